import { bytesOf } from './dtype.ts';
import type { TensorContent } from './edits.ts';
import type { OnnxAttribute, OnnxGraph, OnnxModel, OnnxTensor } from './model.ts';
import { field, intField, type Piece, textField } from './pieces.ts';
import type { ElementSink, PlacedTensor } from './rewrite-tensor.ts';
import { tensorKey } from './tensor-key.ts';

/** External data should begin on a page, so that it can be mapped (onnx.proto, external_data); smaller tensors share one. */
const PAGE_BYTES = 4096;
const ALIGNMENT_BYTES = 64;

/** New tensors of fewer bytes lie in the model file though others are external, as onnx.save_model has it by default. */
const LEAST_EXTERNAL_BYTES = 1024;

/** A file of external data as it grows. */
export interface ExternalPlan {
  /** Its name, beside the model. */
  readonly location: string;
  readonly pieces: Piece[];
  size: number;
}

type Sized = Parameters<ElementSink['place']>[1];

/** Elements go where the tensor had them: into the model file, or into the new file of external data. */
export function externalSink(model: OnnxModel, plan: ExternalPlan): ElementSink {
  const isExternal = externalLocations(model).length > 0;
  return {
    place(tensor, content) {
      const { kind } = tensor.storage;
      const isOutside =
        kind === 'external' || (kind === 'none' && isExternal && content.length >= LEAST_EXTERNAL_BYTES);
      return isOutside ? placeOutside(plan, tensor, content) : rawData(tensor, content);
    },
    moved: (tensor) =>
      tensor.storage.kind === 'external' ? placeOutside(plan, tensor, contentAsRead(model, tensor)) : null,
  };
}

/** All elements go into the model. */
export function inlineSink(model: OnnxModel): ElementSink {
  return {
    place: rawData,
    moved: (tensor) => (tensor.storage.kind === 'external' ? rawData(tensor, contentAsRead(model, tensor)) : null),
  };
}

/** TensorProto: 9 raw_data. */
function rawData(tensor: PlacedTensor, content: Sized): Piece[] {
  return field(9, [made(tensor, content)]);
}

function made(tensor: PlacedTensor, { length, chunks }: Sized): Piece {
  return { kind: 'made', length, what: tensorKey(tensor.name), chunks };
}

/** TensorProto: 13 external_data, 14 data_location (1 is EXTERNAL). */
function placeOutside(plan: ExternalPlan, tensor: PlacedTensor, content: Sized): Piece[] {
  const alignment = content.length >= PAGE_BYTES ? PAGE_BYTES : ALIGNMENT_BYTES;
  const offset = Math.ceil(plan.size / alignment) * alignment;
  if (offset > plan.size) plan.pieces.push({ kind: 'bytes', bytes: new Uint8Array(offset - plan.size) });
  plan.pieces.push(made(tensor, content));
  plan.size = offset + content.length;
  const entry = (key: string, value: string): Piece[] => field(13, [...textField(1, key), ...textField(2, value)]);
  return [
    ...entry('location', plan.location),
    ...entry('offset', String(offset)),
    ...entry('length', String(content.length)),
    ...intField(14, 1),
  ];
}

function contentAsRead({ buffer }: OnnxModel, tensor: OnnxTensor): Sized {
  const length = bytesOf(tensor.dtype, tensor.elements) ?? 0;
  const chunks: TensorContent['chunks'] = () => [tensor.read(buffer).bytes];
  return { length, chunks };
}

/** Files that hold a model's external data, as far as the reader saw its tensors. */
export function externalLocations(model: OnnxModel): readonly string[] {
  const locations = new Set<string>();
  const add = ({ storage }: OnnxTensor): void => {
    if (storage.kind === 'external') locations.add(storage.location);
  };
  const visit = (graph: OnnxGraph): void => {
    for (const tensor of graph.initializers.values()) add(tensor);
    for (const node of graph.nodes) for (const attribute of node.attributes.values()) visitAttribute(attribute);
  };
  const visitAttribute = (attribute: OnnxAttribute): void => {
    if (attribute.kind === 'tensor') add(attribute.value);
    if (attribute.kind === 'graph') visit(attribute.value);
    if (attribute.kind === 'graphs') attribute.value.forEach(visit);
  };
  visit(model.graph);
  return [...locations];
}
