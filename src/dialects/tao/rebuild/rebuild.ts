import type { Layer, Network } from '../../../network/index.ts';
import type { Exploration } from '../exploration/explore.ts';
import { inboundFirst, inboundOf, widthOf } from '../graph.ts';
import { TaoError } from '../refusal.ts';
import type { TaoRules } from '../rules.ts';
import { type Claim, claimsOf } from './claims.ts';

/** What the second phase makes of a layer. */
interface Rebuilt {
  readonly layer: Layer;
  /** Channels of the rebuilt output; null where unknown. */
  readonly width: number | null;
  readonly claim: Claim;
}

/**
 * Whether the real pruner can rebuild the model with what exploration left behind: its second phase slices each layer by
 * the record of its *first* inbound layer, so members of one element-wise op that ended with different indices make Keras
 * raise.
 * @throws TaoError as Keras words it
 */
export function requireRebuildable(network: Network, exploration: Exploration, rules: TaoRules): void {
  const claims = claimsOf(network, exploration, (layer) => exploration.decisions.get(layer)?.retained ?? null);
  const widths = new Map<Layer, number | null>();
  for (const layer of inboundFirst(network)) {
    const inputs = inboundOf(network, layer).map(
      (input): Rebuilt => ({ layer: input, width: widths.get(input) ?? null, claim: claims.get(input) ?? null }),
    );
    widths.set(layer, rebuild(network, layer, inputs, claims.get(layer) ?? null, rules));
  }
}

/** @returns channels of the rebuilt layer's output; null where unknown */
function rebuild(
  network: Network,
  layer: Layer,
  inputs: readonly Rebuilt[],
  own: Claim,
  rules: TaoRules,
): number | null {
  const first = inputs[0] ?? { layer, width: null, claim: 'none' };
  switch (layer.kind) {
    case 'input':
    case 'reshape':
    case 'permute':
    case 'opaque':
    case 'crop':
      return null;
    case 'conv':
    case 'dense':
      for (const { width } of inputs) requireFit(layer, first.claim, width);
      return countOf(requireOwn(layer, own));
    case 'depthwise':
      requireFit(layer, own, first.width);
      return first.width;
    case 'conv-transpose':
      requireFit(layer, first.claim, first.width);
      return layer.filters;
    case 'batch-norm':
      requireFit(layer, first.claim, first.width);
      return first.width;
    case 'elementwise':
      requireSameWidths(layer, inputs, rules);
      return total(inputs, (a, b) => Math.max(a, b));
    case 'concat':
      // The channel axis of channels_first is -3, which a (batch, channels) shape does not have.
      if (network.dataFormat === 'channels_first' && layer.output.shape?.length === 2)
        throw new TaoError('IndexError', 'tuple index out of range', layer.name);
      return total(inputs, (a, b) => a + b);
    case 'flatten': {
      const [before, after] = [widthOf(first.layer), widthOf(layer)];
      return before === null || after === null || first.width === null ? null : first.width * (after / before);
    }
    default:
      return first.width;
  }
}

function total(inputs: readonly Rebuilt[], join: (a: number, b: number) => number): number | null {
  return inputs.reduce<number | null>(
    (sum, { width }) => (sum === null || width === null ? null : join(sum, width)),
    0,
  );
}

function countOf(claim: Claim): number | null {
  return claim === null || claim === 'none' ? null : claim.length;
}

/** An equalized layer may have been given the indices of one that has more filters. */
function requireOwn(layer: Layer, own: Claim): Claim {
  const beyond = own === null || own === 'none' ? undefined : own.find((filter) => filter >= layer.filters);
  if (beyond === undefined) return own;
  const axis = layer.kind === 'dense' ? 1 : 3;
  throw new TaoError(
    'IndexError',
    `index ${beyond} is out of bounds for axis ${axis} with size ${layer.filters}`,
    layer.name,
  );
}

function requireFit(layer: Layer, claim: Claim, width: number | null): void {
  const count = countOf(claim);
  if (count === null || width === null || count === width) return;
  throw new TaoError(
    'ValueError',
    `Layer ${layer.name} weight shape is not compatible with provided weight shape (its input has ${width} channels, its kernel is cut for ${count})`,
    layer.name,
  );
}

function requireSameWidths(layer: Layer, inputs: readonly Rebuilt[], rules: TaoRules): void {
  const [first, ...others] = inputs.flatMap(({ width }) => (width === null || width === 1 ? [] : [width]));
  const odd = others.find((width) => width !== first);
  if (first === undefined || odd === undefined) return;
  throw new TaoError('ValueError', rules.unequalShapes([shapeWith(layer, first), shapeWith(layer, odd)]), layer.name);
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
