import { type ChannelMap, type Coupling, FIXED_CHANNEL, type Network } from '../network/index.ts';
import { attendedIn, type KeptChannels } from './kept.ts';

/**
 * Holds a cut model, read anew, against what it should be: each tensor carries the channels that stay, in their order, and
 * each layer reads them. Whatever this module misjudges about an operator, the reader finds here.
 * @returns the first thing that is not so, as a sentence; null where all is
 */
export function differenceFromCut(dense: Network, kept: KeptChannels, cut: Network): string | null {
  if (dense.layers.length !== cut.layers.length) return 'it would have other layers';
  const renumbered = new Int32Array(dense.channelOwner.length).fill(GONE);
  for (const [k, layer] of dense.layers.entries()) {
    const after = cut.layers[k]!;
    let next = 0;
    for (let id = layer.firstChannel; id < layer.firstChannel + layer.filters; id++)
      if (kept.has(id)) renumbered[id] = after.firstChannel + next++;
    if (after.name !== layer.name || after.filters !== next) return `layer ${layer.name} would have other filters`;
  }
  const staying = (ids: Int32Array): Int32Array => {
    const positions = kept.positions(ids);
    const stay = positions === null ? ids : Int32Array.from(positions, (at) => ids[at]!);
    return stay.map((id) => (id === FIXED_CHANNEL ? id : renumbered[id]!));
  };
  for (const [k, layer] of dense.layers.entries()) {
    for (const [n, { columns }] of layer.calls.entries()) {
      const after = cut.layers[k]!.calls[n]?.columns ?? null;
      const isSame =
        columns instanceof Int32Array
          ? after instanceof Int32Array && isEqual(staying(columns), after)
          : (columns === null) === (after === null) && !(after instanceof Int32Array);
      if (!isSame) return `layer ${layer.name} would read other channels`;
    }
  }
  for (const [name, { channels }] of dense.tensors) {
    const after = cut.tensors.get(name)?.channels ?? null;
    if (channels === null || 'opaque' in channels) continue;
    const isSame =
      after !== null &&
      'axes' in after &&
      isSameMap(staying(channels.ids), shapeAfter(name, channels, kept), channels, after);
    if (!isSame) return `tensor ${name} would carry other channels`;
  }
  const [tied, tiedAfter] = [tiedHeads(dense), tiedHeads(cut)];
  for (const [k, { layer, op, operands }] of tied.entries()) {
    const after = tiedAfter[k]?.operands ?? [];
    const isSame = operands.length === after.length && operands.every((ids, n) => isEqual(staying(ids), after[n]!));
    if (!isSame) return `${op} of ${layer} would multiply other channels`;
  }
  return null;
}

const GONE = -2;

/** Queries and keys, which meet position by position, and leave no channels behind that would tell. */
function tiedHeads(network: Network): readonly Coupling[] {
  const attended = attendedIn(network);
  return network.couplings.filter(({ operands }) => operands.every((ids) => ids.every((id) => attended.has(id))));
}

function shapeAfter(name: string, map: ChannelMap, kept: KeptChannels): readonly (number | null)[] {
  const sizes = kept.sizes(name, map);
  return map.shape.map((size, axis) => sizes[axis] ?? size);
}

/** A single channel is carried by all positions, whichever axis is named for it; an axis of one position, as of the one head that is left, is nobody's. */
function isSameMap(
  ids: Int32Array,
  shape: readonly (number | null)[],
  { axes }: ChannelMap,
  after: ChannelMap,
): boolean {
  if (shape.join() !== after.shape.join()) return false;
  if (ids.every((id) => id === ids[0])) return after.ids.every((id) => id === ids[0]);
  const longer = (list: readonly number[]): string => list.filter((axis) => shape[axis] !== 1).join();
  return longer(axes) === longer(after.axes) && isEqual(ids, after.ids);
}

function isEqual(a: Int32Array, b: Int32Array): boolean {
  return a.length === b.length && a.every((id, k) => id === b[k]);
}
