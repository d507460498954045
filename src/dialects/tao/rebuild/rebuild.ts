import type { Layer, Network } from '../../../network/index.ts';
import type { Exploration } from '../exploration/explore.ts';
import { inboundFirst, inboundOf, takesChannels, widthOf } from '../graph.ts';
import { concatAxis, type DataFormat, dataFormats, isPrunable, widening } from '../keras.ts';
import { TaoError } from '../refusal.ts';
import type { TaoRules } from '../rules.ts';
import { type Claim, claimsOf } from './claims.ts';
import { type Rebuilt, requireFit, requireSameWidths, requireWithin } from './fit.ts';

/** What the second phase works on. */
interface Scene {
  readonly network: Network;
  readonly rules: TaoRules;
  readonly exploration: Exploration;
  readonly formats: ReadonlyMap<Layer, DataFormat>;
}

/**
 * Whether the real pruner can rebuild the model with what exploration left behind: its second phase slices each layer by
 * the record of its *first* inbound layer, so members of one element-wise op that ended with different indices make Keras
 * raise.
 * @throws TaoError as Keras words it
 */
export function requireRebuildable(network: Network, exploration: Exploration, rules: TaoRules): void {
  const claims = claimsOf(network, exploration, (layer) => exploration.decisions.get(layer)?.retained ?? null);
  const scene: Scene = { network, rules, exploration, formats: dataFormats(network) };
  const widths = new Map<Layer, number | null>();
  for (const layer of inboundFirst(network)) {
    const inputs = inboundOf(network, layer).map(
      (input): Rebuilt => ({ layer: input, width: widths.get(input) ?? null, claim: claims.get(input) ?? null }),
    );
    const own = claims.get(layer) ?? null;
    widths.set(
      layer,
      isPrunable(layer) ? rebuildWeighted(layer, inputs, own, rules) : rebuildOther(scene, layer, inputs),
    );
  }
}

const NOWHERE = { width: null, claim: 'none' } as const;

/** @returns channels of the rebuilt layer's output; null where unknown */
function rebuildWeighted(layer: Layer, inputs: readonly Rebuilt[], own: Claim, rules: TaoRules): number | null {
  const first = inputs[0] ?? { layer, ...NOWHERE };
  if (layer.kind === 'depthwise') {
    requireFit(layer, own, first.width, rules);
    return first.width;
  }
  requireWithin(layer, first.claim, own);
  const kept = countOf(own);
  for (const { width } of inputs) requireFit(layer, first.claim, width, rules, kept);
  return kept;
}

function rebuildOther(scene: Scene, layer: Layer, inputs: readonly Rebuilt[]): number | null {
  const { network, rules } = scene;
  const first = inputs[0] ?? { layer, ...NOWHERE };
  // A SeparableConv2D keeps its filters, and is built anew for what reaches it.
  if (layer.halfOf !== null) return layer.kind === 'conv' ? layer.filters : first.width;
  switch (layer.kind) {
    case 'input':
    case 'permute':
    case 'opaque':
      return null;
    case 'conv-transpose':
    case 'batch-norm':
      requireFit(layer, first.claim, first.width, rules);
      return layer.kind === 'conv-transpose' ? layer.filters : first.width;
    case 'elementwise':
      requireSameWidths(layer, inputs, rules);
      return total(inputs, (a, b) => Math.max(a, b));
    case 'concat':
      requireJoinable(scene, layer);
      return total(inputs, (a, b) => a + b);
    case 'flatten':
    case 'reshape':
      return times(first.width, widening(network, layer));
    case 'crop':
      return takesChannels(network, layer) ? splitWidth(scene, layer, first) : first.width;
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

function times(width: number | null, factor: number | null): number | null {
  return width === null || factor === null ? null : width * factor;
}

function countOf(claim: Claim): number | null {
  return claim === null || claim === 'none' ? null : claim.length;
}

/** `_prune_explored_concat_layer` */
function requireJoinable({ network, exploration, formats }: Scene, layer: Layer): void {
  const format = formats.get(layer);
  const rank = layer.output.shape?.length ?? null;
  const axis = concatAxis(network, layer);
  if (format === undefined || rank === null) return;
  if (format === null) {
    if (exploration.isPruned.get(layer) !== true) return;
    const text =
      'Cannot process a concatenation layer if the data format is unknown and one of the previous layers was pruned';
    throw new TaoError('ValueError', text, layer.name);
  }
  const channels = format === 'channels_first' ? ((-3 % rank) + rank) % rank : rank - 1;
  if (axis !== null && axis !== channels) {
    const text = `Concatenation layer only supported on channel axis: data_format=${format} axis=${axis}`;
    throw new TaoError('ValueError', text, layer.name);
  }
  // The channel axis of channels_first is -3, which a (batch, channels) shape does not have.
  if (format === 'channels_first' && rank === 2)
    throw new TaoError('IndexError', 'tuple index out of range', layer.name);
}

/** `_prune_explored_split_layer` */
function splitWidth({ exploration }: Scene, layer: Layer, { layer: before }: Rebuilt): number | null {
  if (exploration.isPruned.get(before) !== true) return widthOf(layer);
  const text = "Split layer's previous layer cannot be pruned. Try to add it to excluded layer list.";
  throw new TaoError('AssertionError', text, layer.name);
}
