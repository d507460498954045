import { inputsOf, pairInputs } from '../comparison/index.ts';
import { type InputShape, nearest } from '../config/index.ts';
import type { StatedSizes } from '../dialects/index.ts';
import { InputError } from '../errors/input-error.ts';
import type { Network } from '../network/index.ts';
import type { OnnxValueInfo } from '../onnx/index.ts';
import { type ElementType, isElementType } from '../tensor-files/index.ts';
import type { Obstacle } from './types.ts';

/** An input of both models with all sizes known but, where the export leaves it open, the batch. */
export interface ResolvedInput {
  readonly name: string;
  /** Its name in the dense model: where the names are others, inputs are the same by their order. */
  readonly dense: string;
  readonly type: ElementType;
  /** The dense model's: another where one of them was converted. */
  readonly denseType: ElementType;
  /** Null is the batch, which varies between cases. */
  readonly shape: readonly (number | null)[];
  /** How sizes that the export leaves open were found; null where there are none but the batch. */
  readonly source: string | null;
}

/** What image classifiers take when nobody says otherwise, and a length that convolutions and poolings leave something of. */
const [DEFAULT_SIZE, DEFAULT_LENGTH] = [224, 64];

/**
 * The inputs of the pruned model with sizes: as given by the user, as the export fixes them, as the dense model's export
 * fixes them, as the spec states them, else by what the network needs, else a guess.
 * @returns an obstacle where an input cannot be fed
 * @throws InputError for a given shape that fits no input
 */
export function resolveInputs(
  dense: Network,
  pruned: Network,
  given: readonly InputShape[],
  stated: StatedSizes | null,
): readonly ResolvedInput[] | Obstacle {
  const [inputs, before] = [inputsOf(pruned.model.graph), inputsOf(dense.model.graph)];
  const { name: path } = pruned.model;
  requireKnown(path, inputs, given);
  const places = pairInputs(dense.model.graph, pruned.model.graph);
  const resolved: ResolvedInput[] = [];
  for (const [k, input] of inputs.entries()) {
    const unfed = (problem: string): Obstacle => ({ code: 'inputs-unknown', reason: `${problem} ${input.name}` });
    const partner = before[places[k] ?? -1];
    const [type, denseType] = [input.dtype, partner?.dtype ?? input.dtype];
    if (!isElementType(type)) return unfed(`onnxruntime-node feeds no ${type}, the type of the input`);
    if (!isElementType(denseType)) return unfed(`onnxruntime-node feeds no ${denseType}, the dense model's type of`);
    const own = given.find((one) => one.input === input.name);
    const found =
      own !== undefined
        ? fitted(path, input, own.shape)
        : input.shape === null
          ? null
          : inferred(dense, partner?.name ?? input.name, input.shape, partner, stated);
    if (found === null) return unfed('the model states no shape, and input-shapes gives none, for its input');
    const { shape, source } = found;
    resolved.push({ name: input.name, dense: partner?.name ?? input.name, type, denseType, shape, source });
  }
  return resolved;
}

/** What was guessed, which whoever cannot run a model with it should know; null where nothing was. */
export function guessesIn(inputs: readonly ResolvedInput[]): string | null {
  const guessed = inputs.filter(({ source }) => source?.includes(GUESSED) === true).map(({ name }) => name);
  return guessed.length === 0 ? null : `sizes of ${guessed.join(', ')} were guessed: input-shapes gives them`;
}

const GUESSED = 'as nothing says otherwise';

function requireKnown(path: string, inputs: readonly OnnxValueInfo[], given: readonly InputShape[]): void {
  for (const { input, shape } of given) {
    if (inputs.some(({ name }) => name === input)) continue;
    const names = inputs.map(({ name }) => name);
    const meant = nearest(input, names);
    throw new InputError(
      `${path} has no such input: ${meant === null ? `it has ${names.join(', ')}` : `did you mean ${meant}?`}`,
      { key: 'input-shapes', value: `${input}=${shape.join('x')}` },
    );
  }
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
  name: string,
  shape: NonNullable<OnnxValueInfo['shape']>,
  partner: OnnxValueInfo | undefined,
  stated: StatedSizes | null,
): Shape {
  const sources = new Set<string>();
  const channelAxis = dense.dataFormat === 'channels_last' ? 3 : 1;
  const isImage = shape.length === 4;
  const columns = firstColumns(dense, name);
  const sizes = shape.map((size, axis): number | null => {
    if (typeof size === 'number') return size;
    const known = partner?.shape?.length === shape.length ? partner?.shape?.[axis] : null;
    if (typeof known === 'number') {
      sources.add('the dense model');
      return known;
    }
    if (axis === 0) return null;
    const from = isImage ? statedSize(stated, axis, channelAxis) : null;
    if (from !== null) {
      sources.add('the spec');
      return from;
    }
    if (columns !== null && axis === (isImage ? channelAxis : columns.isLast ? shape.length - 1 : 1)) {
      sources.add('the first layer');
      return columns.count;
    }
    const guess = isImage ? DEFAULT_SIZE : DEFAULT_LENGTH;
    sources.add(`${guess} ${GUESSED}`);
    return guess;
  });
  return { shape: sizes, source: sources.size === 0 ? null : [...sources].join(', ') };
}

function statedSize(stated: StatedSizes | null, axis: number, channelAxis: number): number | null {
  if (stated === null) return null;
  if (axis === channelAxis) return stated.channels;
  const isHeight = axis === (channelAxis === 1 ? 2 : 1);
  return isHeight ? stated.height : stated.width;
}

/** Input columns of the first layer with weights that reads an input through none other, and whether they lie on its last axis. */
function firstColumns(network: Network, name: string): { readonly count: number; readonly isLast: boolean } | null {
  const input = network.layers.find((layer) => layer.kind === 'input' && layer.name === name);
  // Rows of a table are no places of the input that looks them up.
  const reader = network.layers.find(
    (layer) =>
      layer.kind !== 'embedding' &&
      layer.weight !== null &&
      input !== undefined &&
      layer.calls.some((call) => call.inputs.includes(input.id)),
  );
  const columns = reader?.calls[0]?.columns;
  return columns instanceof Int32Array ? { count: columns.length, isLast: reader!.kind === 'dense' } : null;
}
