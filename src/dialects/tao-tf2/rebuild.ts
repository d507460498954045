import type { Layer, Network } from '../../network/index.ts';
import type { Exploration } from './exploration.ts';
import { TaoError } from './refusal.ts';

/** What the second phase knows of a layer: channels that reach it for real, and how many indices its record claims. */
interface Rebuilt {
  /** Channels of the rebuilt output; null where unknown. */
  readonly width: number | null;
  /** Length of retained_idx as the next layer reads it; 'none' for Python's None, null where unknown. */
  readonly claim: number | 'none' | null;
}

/**
 * Whether the real pruner can rebuild the model with what exploration left behind: its second phase slices each layer by
 * the record of its *first* inbound layer, so members of one element-wise op that ended with different indices make Keras
 * raise.
 * @throws TaoError as Keras words it
 */
export function requireRebuildable(network: Network, exploration: Exploration): void {
  const rebuilt = new Map<Layer, Rebuilt>();
  const layerIsPruned = (layer: Layer): boolean => {
    const known = exploration.isPruned.get(layer);
    if (known !== null && known !== undefined) return known;
    return layer.calls.some((call) => call.inputs.some((id) => layerIsPruned(network.layers[id]!)));
  };
  for (const layer of network.layers) {
    const inbound = layer.calls.flatMap((call) => call.inputs.map((id) => network.layers[id]!));
    const inputs = inbound.map((input) => rebuilt.get(input) ?? { width: null, claim: null });
    rebuilt.set(layer, rebuild(network, layer, inbound, inputs, exploration, layerIsPruned));
  }
}

function rebuild(
  network: Network,
  layer: Layer,
  inbound: readonly Layer[],
  inputs: readonly Rebuilt[],
  exploration: Exploration,
  layerIsPruned: (layer: Layer) => boolean,
): Rebuilt {
  const first = inputs[0] ?? { width: null, claim: 'none' as const };
  const own = exploration.decisions.get(layer)?.retained?.length ?? null;
  switch (layer.kind) {
    case 'input':
      return { width: null, claim: 'none' };
    case 'conv':
    case 'dense':
      for (const input of inputs) requireFit(layer, first.claim, input.width);
      return { width: own, claim: own };
    case 'depthwise':
      requireFit(layer, own, first.width);
      return { width: first.width, claim: own };
    case 'conv-transpose':
      requireFit(layer, first.claim, first.width);
      return { width: layer.filters, claim: layer.filters };
    case 'batch-norm':
      requireFit(layer, first.claim, first.width);
      return first;
    case 'elementwise':
      requireSameWidths(layer, inbound, inputs);
      return {
        width: inputs.reduce<number | null>(
          (most, input) => (most === null || input.width === null ? null : Math.max(most, input.width)),
          0,
        ),
        claim: first.claim,
      };
    case 'concat': {
      // The channel axis of channels_first is -3, which a (batch, channels) shape does not have.
      if (network.dataFormat === 'channels_first' && layer.output.shape?.length === 2)
        throw new TaoError('IndexError', 'tuple index out of range', layer.name);
      const claims = inputs.map((input, k) => (layerIsPruned(inbound[k]!) ? input.claim : denseWidth(inbound[k]!)));
      return {
        width: sum(inputs.map((input) => input.width)),
        claim: sum(claims.map((claim) => (claim === 'none' ? null : claim))),
      };
    }
    case 'flatten': {
      const [before, after] = [denseWidth(inbound[0]), denseWidth(layer)];
      const spatial = before === null || after === null ? null : after / before;
      const times = (n: number | null): number | null => (n === null || spatial === null ? null : n * spatial);
      return { width: times(first.width), claim: first.claim === 'none' ? null : times(first.claim) };
    }
    case 'reshape':
    case 'permute':
    case 'opaque':
    case 'crop':
      return { width: null, claim: null };
    default:
      return first;
  }
}

function requireFit(layer: Layer, claim: number | 'none' | null, width: number | null): void {
  if (claim === null || claim === 'none' || width === null || claim === width) return;
  throw new TaoError(
    'ValueError',
    `Layer ${layer.name} weight shape is not compatible with provided weight shape (its input has ${width} channels, its kernel is cut for ${claim})`,
    layer.name,
  );
}

function requireSameWidths(layer: Layer, inbound: readonly Layer[], inputs: readonly Rebuilt[]): void {
  const known = inputs.flatMap((input, k) =>
    input.width === null || input.width === 1 ? [] : [{ width: input.width, from: inbound[k]! }],
  );
  const odd = known.find((input) => input.width !== known[0]!.width);
  if (odd === undefined) return;
  const shape = (width: number): string => shapeWith(layer, width);
  throw new TaoError(
    'ValueError',
    `Inputs have incompatible shapes. Received shapes ${shape(known[0]!.width)} and ${shape(odd.width)}`,
    layer.name,
  );
}

/** The layer's shape without the batch, as Keras prints it, with another number of channels. */
function shapeWith(layer: Layer, width: number): string {
  const { shape, channelAxis } = layer.output;
  if (shape === null || channelAxis === null) return `(${width} channels)`;
  return `(${shape
    .map((size, axis) => (axis === channelAxis ? width : (size ?? 'None')))
    .slice(1)
    .join(', ')})`;
}

function denseWidth(layer: Layer | undefined): number | null {
  if (layer === undefined || layer.output.shape === null || layer.output.channelAxis === null) return null;
  return layer.output.shape[layer.output.channelAxis] ?? null;
}

function sum(parts: readonly (number | null)[]): number | null {
  return parts.reduce<number | null>((total, part) => (total === null || part === null ? null : total + part), 0);
}
