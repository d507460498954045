import { FIXED_CHANNEL, type PicksSite, type RangeSite, rangeOf, type SizesSite } from '../network/index.ts';
import type { KeptChannels } from './kept.ts';

/** New sizes of a tensor; null for one that cannot be determined. */
export type SizeOf = (tensor: string, axis: number) => number | null;

/** The integers of a site after the cut; null where they stay as they are, or a sentence that says why they cannot. */
export type NewIntegers = readonly (number | null)[] | null | string;

export function newSizes(site: SizesSite, kept: KeptChannels, sizeOf: SizeOf): NewIntegers {
  const values = [...site.values];
  for (const entry of site.sizes) {
    if ('channels' in entry) values[entry.at] = kept.positions(entry.channels)?.length ?? entry.channels.length;
    else {
      const size = sizeOf(entry.tensor, entry.axis);
      // A 0 that copies a size, and one that is computed, stay what they are.
      if (size !== null && values[entry.at] !== 0) values[entry.at] = size;
    }
  }
  if (values.every((value, k) => value === site.values[k])) return null;
  if (values.includes(0) && !site.values.includes(0)) return 'a part is left without channels';
  // Equal parts stay so without being written.
  if (site.unwritten !== null && values.every((value) => value === values[0])) return null;
  return values;
}

/** Where positions that stay lie among those, by position before the cut; -1 for those that go. */
function ranks({ channels, perPosition }: RangeSite | PicksSite, kept: KeptChannels): Int32Array {
  let next = 0;
  return Int32Array.from({ length: channels.length / perPosition }, (_, position) => {
    const own = channels.subarray(position * perPosition, (position + 1) * perPosition);
    return own.some((id) => id === FIXED_CHANNEL || kept.has(id)) ? next++ : -1;
  });
}

/** New starts and ends of a slice. */
export function newRange(
  site: RangeSite,
  kept: KeptChannels,
): { readonly start: number; readonly end: number } | null | string {
  const { range, at } = site;
  const rank = ranks(site, kept);
  const size = rank.reduce((count, place) => count + Number(place >= 0), 0);
  const stay = Array.from({ length: range.count }, (_, k) => rank[range.first + k * range.step]!).filter((k) => k >= 0);
  const [first, second] = [stay[0], stay[1]];
  if (first === undefined) return 'it takes no channel that is left';
  const now = rangeOf(size, site.startValues[at] ?? null, site.endValues[at] ?? null, range.step);
  if (
    now !== null &&
    now.count === stay.length &&
    now.first === first &&
    (stay.length === 1 || isEvenly(stay, range.step))
  )
    return null;
  if (second !== undefined && !isEvenly(stay, range.step))
    return 'the channels that it takes are no longer evenly spaced';
  const end = stay.at(-1)! + Math.sign(range.step);
  return { start: first, end: end < 0 ? -size - 1 : end };
}

function isEvenly(positions: readonly number[], step: number): boolean {
  return positions.every((at, k) => k === 0 || at - positions[k - 1]! === step);
}

/** New positions of a Gather. */
export function newPicks(site: PicksSite, kept: KeptChannels): NewIntegers {
  const rank = ranks(site, kept);
  const stay = site.positions.map((at) => rank[at]!).filter((at) => at >= 0);
  if (stay.length === 0) return 'it takes no channel that is left';
  const isSame = stay.length === site.values.length && stay.every((at, k) => at === site.values[k]);
  return isSame ? null : stay;
}
