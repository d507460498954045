import { InputError } from '../errors/input-error.ts';
import { readAttribute, type SubgraphReader } from './attribute.ts';
import { OBJECT_BYTES } from './limits.ts';
import type { OnnxAttribute, OnnxGraph, OnnxNode, OnnxTensor, OnnxValueInfo } from './model.ts';
import { draftTensor, finishTensor, readTensorHeader } from './tensor-header.ts';
import { tensorKey } from './tensor-key.ts';
import { readValueInfo } from './value-info.ts';
import { charge, more, type Window } from './window.ts';
import { enter, leave, readString, readTag, skipField } from './wire.ts';

/** A GraphProto while its fields come in. It is filled in place: a second occurrence of the field merges into the first. */
export interface GraphDraft {
  name: string;
  readonly nodes: OnnxNode[];
  readonly initializers: Map<string, OnnxTensor>;
  readonly inputs: OnnxValueInfo[];
  readonly outputs: OnnxValueInfo[];
  readonly valueInfo: Map<string, OnnxValueInfo>;
  readonly sparse: Set<string>;
}

const SUBGRAPH: SubgraphReader<GraphDraft> = { read: readGraph, finish: finishGraph };

/** Shared by nodes that have none, so that an empty node costs little. */
const NO_ATTRIBUTES: ReadonlyMap<string, OnnxAttribute> = new Map();

function draftGraph(window: Window): GraphDraft {
  charge(window, 4 * OBJECT_BYTES);
  return {
    name: '',
    nodes: [],
    initializers: new Map(),
    inputs: [],
    outputs: [],
    valueInfo: new Map(),
    sparse: new Set(),
  };
}

/** The graph whose fields are all in. */
export function finishGraph({ sparse, ...graph }: GraphDraft): OnnxGraph {
  return { ...graph, sparseInitializers: [...sparse] };
}

/** Reads the next field, a GraphProto, into a new draft or the one that an earlier occurrence began. */
export function readGraph(window: Window, begun: GraphDraft | null): GraphDraft {
  const draft = begun ?? draftGraph(window);
  const outer = enter(window);
  while (more(window)) {
    const tag = readTag(window);
    switch (tag) {
      case (1 << 3) | 2:
        draft.nodes.push(readNode(window));
        break;
      case (2 << 3) | 2:
        draft.name = readString(window);
        break;
      case (5 << 3) | 2: {
        const tensor = draftTensor(window);
        readTensorHeader(window, tensor);
        addInitializer(window, draft, finishTensor(window, tensor));
        break;
      }
      case (11 << 3) | 2:
        draft.inputs.push(readValueInfo(window));
        break;
      case (12 << 3) | 2:
        draft.outputs.push(readValueInfo(window));
        break;
      case (13 << 3) | 2: {
        const info = readValueInfo(window);
        draft.valueInfo.set(info.name, info);
        break;
      }
      case (15 << 3) | 2:
        addSparseInitializer(window, draft);
        break;
      default:
        skipField(window, tag);
    }
  }
  leave(window, outer);
  return draft;
}

/** Two initializers of one name are refused, since readers differ in which they take; so is one without a name. */
function addInitializer(window: Window, draft: GraphDraft, tensor: OnnxTensor): void {
  refuseName(window, draft, tensor.name);
  draft.initializers.set(tensor.name, tensor);
}

function refuseName(window: Window, draft: GraphDraft, name: string): void {
  const file = window.source.name;
  if (name === '') throw new InputError('has an initializer without a name: export the model again', { file });
  if (draft.initializers.has(name) || draft.sparse.has(name)) {
    throw new InputError('is stored twice: readers would not agree which counts', { file, key: tensorKey(name) });
  }
}

/** SparseTensorProto: 1 values, whose name is the initializer's. */
function addSparseInitializer(window: Window, draft: GraphDraft): void {
  const values = draftTensor(window);
  const outer = enter(window);
  while (more(window)) {
    const tag = readTag(window);
    if (tag === ((1 << 3) | 2)) readTensorHeader(window, values);
    else skipField(window, tag);
  }
  leave(window, outer);
  refuseName(window, draft, values.name);
  draft.sparse.add(values.name);
}

/** Reads an attribute that stands in no node: a default of a function. */
export function readDefault(window: Window): readonly [string, OnnxAttribute] {
  return readAttribute(window, SUBGRAPH);
}

/** NodeProto: 1 input, 2 output, 3 name, 4 op_type, 5 attribute, 7 domain, 8 overload. */
export function readNode(window: Window): OnnxNode {
  charge(window, OBJECT_BYTES);
  const inputs: string[] = [];
  const outputs: string[] = [];
  let name = '';
  let opType = '';
  let domain = '';
  let overload = '';
  let attributes: Map<string, OnnxAttribute> | null = null;
  const outer = enter(window);
  while (more(window)) {
    const tag = readTag(window);
    switch (tag) {
      case (1 << 3) | 2:
        inputs.push(readString(window));
        break;
      case (2 << 3) | 2:
        outputs.push(readString(window));
        break;
      case (3 << 3) | 2:
        name = readString(window);
        break;
      case (4 << 3) | 2:
        opType = readString(window);
        break;
      case (5 << 3) | 2: {
        const [key, attribute] = readAttribute(window, SUBGRAPH);
        attributes ??= new Map();
        if (attributes.has(key)) {
          throw new InputError('is given twice on one node: readers would not agree which counts', {
            file: window.source.name,
            key: `attribute ${key.slice(0, 120)}`,
          });
        }
        attributes.set(key, attribute);
        break;
      }
      case (7 << 3) | 2:
        domain = readString(window);
        break;
      case (8 << 3) | 2:
        overload = readString(window);
        break;
      default:
        skipField(window, tag);
    }
  }
  leave(window, outer);
  return {
    overload,
    name,
    opType,
    domain: plainDomain(domain),
    // What grew by pushes has room for 17; a copy has none to spare.
    inputs: inputs.slice(),
    outputs: outputs.slice(),
    attributes: attributes ?? NO_ATTRIBUTES,
  };
}

/** 'ai.onnx' and '' are one operator set (docs/IR.md); '' is the name used here. */
export function plainDomain(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}
