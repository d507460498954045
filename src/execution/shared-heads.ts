import type { Layer, Network, RetainedIndices } from '../network/index.ts';
import type { Tensor } from '../onnx/index.ts';
import type { Recovery } from '../recovery/index.ts';
import type { Zeros } from '../surgery/index.ts';
import { columnFlags } from './mask.ts';

/**
 * Whole heads of queries that went while the keys and values that they shared with others stay. Which copies of those go with them no
 * cut says, so they stay in the measure, and nobody hears them: the columns that read them are zeros.
 */
export interface SharedHeads {
  /** What the layers of such queries keep in the measure, by name. */
  readonly retained: ReadonlyMap<string, RetainedIndices>;
  /** Dense ids of the channels that stay though they went. */
  readonly unheard: ReadonlySet<number>;
  /** Columns of heads that went. */
  readonly zeros: Zeros;
  /** Layers that read what is left of the heads: they are only cut. */
  readonly readers: ReadonlySet<string>;
}

export function sharedHeads(dense: Network, { misplaced, layers, correspondence: { isGone } }: Recovery): SharedHeads {
  const unheard = new Set<number>();
  for (const site of dense.sites) {
    const [queries, keys] = site.kind === 'heads' ? site.operands : [];
    if (queries === undefined || keys === undefined || queries.ids.length !== keys.ids.length) continue;
    if (new Set(keys.ids).size === keys.ids.length) continue;
    for (const [at, id] of queries.ids.entries()) if (isGone(id) && !isGone(keys.ids[at]!)) unheard.add(id);
  }
  const retained = new Map<string, RetainedIndices>();
  for (const id of unheard) {
    const { name, firstChannel, filters } = dense.layers[dense.channelOwner[id]!]!;
    const actual = new Set(layers.get(name)?.actual ?? []);
    const stays = (filter: number): boolean => actual.has(filter) || unheard.has(firstChannel + filter);
    if (!retained.has(name)) retained.set(name, Array.from({ length: filters }, (_, filter) => filter).filter(stays));
  }
  const zeros = new Map<Tensor, () => Uint8Array>();
  const readers = new Set<string>();
  for (const [name, found] of unheard.size === 0 ? [] : misplaced) {
    const layer = dense.prunable.get(name);
    const flags = layer === undefined ? null : unreadColumns(dense, layer, found);
    if (flags === null) continue;
    readers.add(name);
    zeros.set(...flags);
  }
  return { retained, unheard, zeros, readers };
}

/** The columns of a layer's weight that are not found in the pruned model; null where it is not cut to those that share heads. */
function unreadColumns(dense: Network, layer: Layer, found: readonly number[]): [Tensor, () => Uint8Array] | null {
  const { weight, groups, calls } = layer;
  const columns = calls.length === 1 ? calls[0]!.columns : null;
  if (weight === null || 'opaque' in weight || groups > 1 || !(columns instanceof Int32Array)) return null;
  const isShared = columns.every((id) => dense.shared.has(id));
  const isCut = found.every((column, at) => at === 0 || column > found[at - 1]!);
  const isAlone = dense.layers.every((other) => other === layer || !isWeightOf(other, weight.tensor));
  if (!isShared || !isCut || !isAlone || weight.inCount !== columns.length) return null;
  const read = new Set(found);
  const unread = Uint8Array.from(columns, (_, column) => (read.has(column) ? 0 : 1));
  return [weight.tensor, () => columnFlags(weight, groups, unread)];
}

function isWeightOf({ weight }: Layer, tensor: Tensor): boolean {
  return weight !== null && 'tensor' in weight && weight.tensor === tensor;
}
