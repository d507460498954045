import type { Layer } from '../../../network/index.ts';
import { TaoError } from '../refusal.ts';
import type { TaoRules } from '../rules.ts';
import type { Claim } from './claims.ts';

/** What the second phase makes of a layer. */
export interface Rebuilt {
  readonly layer: Layer;
  /** Channels of the rebuilt output; null where unknown. */
  readonly width: number | null;
  readonly claim: Claim;
}

/**
 * Whether numpy finds all that a kernel is cut to: an equalized layer may have been given the indices of one with more filters,
 * and what reads a SeparableConv2D those of the layer before it.
 * @param inputs what the layer's input claims
 * @param own what the layer retains
 */
export function requireWithin(layer: Layer, inputs: Claim, own: Claim): void {
  const isDense = layer.kind === 'dense';
  const columns = layer.weight === null || 'opaque' in layer.weight ? Number.POSITIVE_INFINITY : layer.weight.inCount;
  requireIndices(layer, inputs, columns, isDense ? 0 : 2);
  requireIndices(layer, own, layer.filters, isDense ? 1 : 3);
}

function requireIndices({ name }: Layer, claim: Claim, size: number, axis: number): void {
  if (claim === null || claim === 'none') return;
  for (let k = 0; k < claim.length; k++)
    if (claim[k]! >= size)
      throw new TaoError('IndexError', `index ${claim[k]} is out of bounds for axis ${axis} with size ${size}`, name);
}

/**
 * Whether Keras takes the weights that are left for a layer: they are cut by a claim, and it is built on what reaches it.
 * @param kept how many filters are left of a layer with a kernel
 */
export function requireFit(
  layer: Layer,
  claim: Claim,
  width: number | null,
  rules: TaoRules,
  kept: number | null = null,
): void {
  const cut = claim === null || claim === 'none' ? null : claim.length;
  if (cut === null || width === null || cut === width) return;
  const [own, given] = [shapeOf(layer, width, kept), shapeOf(layer, cut, kept)];
  const shapes = own === null || given === null ? null : { layer: own, weights: given };
  throw new TaoError('ValueError', rules.unfitWeights({ layer: layer.name, width, cut, shapes }), layer.name);
}

/** The shape of a layer's first weight for so many input channels, as Python prints it. */
function shapeOf({ kind, weight, filters }: Layer, width: number, kept: number | null): string | null {
  if (kind === 'batch-norm') return `(${width},)`;
  if (weight === null || 'opaque' in weight) return null;
  const window = weight.tensor.dims.slice(2);
  switch (kind) {
    case 'depthwise':
      return window.length === 2 ? `(${[...window, width, 1].join(', ')})` : null;
    case 'conv-transpose':
      return window.length === 2 ? `(${[...window, filters, width].join(', ')})` : null;
    default:
      return kept === null ? null : `(${[...window, width, kept].join(', ')})`;
  }
}

/** Whether Keras can take several tensors element by element. */
export function requireSameWidths(layer: Layer, inputs: readonly Rebuilt[], rules: TaoRules): void {
  const [first, ...others] = inputs.flatMap(({ width }) => (width === null || width === 1 ? [] : [width]));
  const odd = others.find((width) => width !== first);
  if (first === undefined || odd === undefined) return;
  throw new TaoError('ValueError', rules.unequalShapes([shapeWith(layer, first), shapeWith(layer, odd)]), layer.name);
}

/** The layer's shape without the batch, as Keras prints it, with another number of channels. */
function shapeWith({ output: { shape, channelAxis } }: Layer, width: number): string {
  if (shape === null || channelAxis === null) return `(${width} channels)`;
  return `(${shape
    .map((size, axis) => (axis === channelAxis ? width : (size ?? 'None')))
    .slice(1)
    .join(', ')})`;
}
