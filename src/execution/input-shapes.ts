import { inputsOf, pairInputs } from '../comparison/index.ts';
import { type InputShape, nearest } from '../config/index.ts';
import type { StatedSizes } from '../dialects/index.ts';
import { InputError } from '../errors/input-error.ts';
import type { Network } from '../network/index.ts';
import type { OnnxValueInfo } from '../onnx/index.ts';
import { type ElementType, isElementType } from '../tensor-files/index.ts';

/** An input of both models with all sizes known but, where the export leaves it open, the batch. */
export interface ResolvedInput {
  readonly name: string;
  /** Its name in the dense model: where the names are others, inputs are the same by their order. */
  readonly dense: string;
  readonly type: ElementType;
  /** Null is the batch, which varies between cases. */
  readonly shape: readonly (number | null)[];
  /** How sizes that the export leaves open were found; null where there are none but the batch. */
  readonly source: string | null;
}

/** What image classifiers take when nobody says otherwise. */
const DEFAULT_SIZE = 224;

/**
 * The inputs of the pruned model with sizes: as given by the user, as the export fixes them, as the dense model's export
 * fixes them, as the spec states them, else by what the network needs.
 * @throws InputError for a given shape that fits no input, and where an input cannot be fed
 */
export function resolveInputs(
  dense: Network,
  pruned: Network,
  given: readonly InputShape[],
  stated: StatedSizes | null,
): readonly ResolvedInput[] {
  const [inputs, before] = [inputsOf(pruned.model.graph), inputsOf(dense.model.graph)];
  const places = pairInputs(dense.model.graph, pruned.model.graph);
  const { name: path } = pruned.model;
  for (const { input, shape } of given) {
    if (inputs.some(({ name }) => name === input)) continue;
    const names = inputs.map(({ name }) => name);
    const meant = nearest(input, names);
    throw new InputError(
      `${path} has no such input: ${meant === null ? `it has ${names.join(', ')}` : `did you mean ${meant}?`}`,
      { key: 'input-shapes', value: `${input}=${shape.join('x')}` },
    );
  }
  return inputs.map((input, k) => {
    const partner = before[places[k] ?? -1];
    if (!isElementType(input.dtype))
      throw new InputError(`takes ${input.dtype}, on which models are not executed`, { file: path, key: input.name });
    const own = given.find((one) => one.input === input.name);
    const { shape, source } =
      own === undefined ? inferred(dense, input, partner, stated) : fitted(path, input, own.shape);
    return { name: input.name, dense: partner?.name ?? input.name, type: input.dtype, shape, source };
  });
}

type Shape = Pick<ResolvedInput, 'shape' | 'source'>;

function fitted(path: string, { name, shape }: OnnxValueInfo, given: readonly number[]): Shape {
  const isFit =
    shape === null ||
    (shape.length === given.length && shape.every((size, axis) => typeof size !== 'number' || size === given[axis]));
  if (!isFit)
    throw new InputError(`${path} fixes ${name} to ${shape.map((size) => size ?? '?').join('x')}`, {
      key: 'input-shapes',
      value: `${name}=${given.join('x')}`,
    });
  return { shape: given, source: 'input-shapes' };
}

function inferred(
  dense: Network,
  { name, shape }: OnnxValueInfo,
  partner: OnnxValueInfo | undefined,
  stated: StatedSizes | null,
): Shape {
  if (shape === null)
    throw new InputError(`the model states no shape for its input ${name}: give one like ${name}=1x3x224x224`, {
      key: 'input-shapes',
    });
  const sources = new Set<string>();
  const channelAxis = dense.dataFormat === 'channels_last' ? 3 : 1;
  const sizes = shape.map((size, axis): number | null => {
    if (typeof size === 'number') return size;
    if (axis === 0) return null;
    const known = partner?.shape?.length === shape.length ? partner.shape[axis] : null;
    if (typeof known === 'number') {
      sources.add('the dense model');
      return known;
    }
    const isImage = shape.length === 4;
    const from = isImage ? statedSize(stated, axis, channelAxis) : null;
    if (from !== null) {
      sources.add('the spec');
      return from;
    }
    const channels =
      axis === (isImage ? channelAxis : shape.length - 1) ? firstColumns(dense, partner?.name ?? name) : null;
    if (channels !== null) {
      sources.add('the first layer');
      return channels;
    }
    if (!isImage)
      throw new InputError(
        `the model leaves sizes of its input ${name} open: give them, like ${name}=${shape.map((one) => (typeof one === 'number' ? one : 1)).join('x')}`,
        { key: 'input-shapes' },
      );
    sources.add(`${DEFAULT_SIZE} as nothing says otherwise`);
    return DEFAULT_SIZE;
  });
  return { shape: sizes, source: sources.size === 0 ? null : [...sources].join(', ') };
}

function statedSize(stated: StatedSizes | null, axis: number, channelAxis: number): number | null {
  if (stated === null) return null;
  if (axis === channelAxis) return stated.channels;
  const isHeight = axis === (channelAxis === 1 ? 2 : 1);
  return isHeight ? stated.height : stated.width;
}

/** Input columns of the first layer with weights that reads an input through none other. */
function firstColumns(network: Network, name: string): number | null {
  const input = network.layers.find((layer) => layer.kind === 'input' && layer.name === name);
  const reader = network.layers.find(
    (layer) =>
      layer.weight !== null && input !== undefined && layer.calls.some((call) => call.inputs.includes(input.id)),
  );
  const columns = reader?.calls[0]?.columns;
  return columns instanceof Int32Array ? columns.length : null;
}
