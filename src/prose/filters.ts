/** Runs of as many indices or more are written as a range. */
const SHORTEST_RANGE = 3;

/** Whether two index lists are equal; an unknown one equals none. */
export function sameFilters(a: readonly number[] | null | undefined, b: readonly number[] | null | undefined): boolean {
  if (a == null || b == null || a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

/** Every filter of a layer, or every position of an axis: 0, 1, 2, ... */
export function allFilters(count: number): number[] {
  return Array.from({ length: count }, (_, filter) => filter);
}

/** Filters of one list that another does not hold; nothing is held by an unknown one. Lists may have a hundred thousand. */
export function without(filters: readonly number[], others: readonly number[] | null | undefined): number[] {
  const held = new Set(others ?? []);
  return filters.filter((filter) => !held.has(filter));
}

/**
 * An index list as a sentence has it: `0, 3-8 and 4 more`, and `none` of an empty one.
 * @param most how many numbers and ranges are written out
 */
export function filterWords(filters: readonly number[], most = 12): string {
  if (filters.length === 0) return 'none';
  const runs = runsOf(filters);
  if (runs.length <= most) return runs.map(wordOf).join(', ');
  const shown = runs.slice(0, most);
  const hidden = filters.length - shown.reduce((count, { from, to }) => count + to - from + 1, 0);
  return `${shown.map(wordOf).join(', ')} and ${hidden} more`;
}

/** Filters of a layer from `from` to `to`. */
interface Run {
  readonly from: number;
  readonly to: number;
}

/** Consecutive indices in ascending order, long enough for a range; every other index is a run of its own. */
function runsOf(filters: readonly number[]): readonly Run[] {
  const runs: Run[] = [];
  for (let at = 0; at < filters.length; ) {
    const from = filters[at]!;
    let end = at + 1;
    while (end < filters.length && filters[end] === from + end - at) end += 1;
    if (end - at < SHORTEST_RANGE) end = at + 1;
    runs.push({ from, to: filters[end - 1]! });
    at = end;
  }
  return runs;
}

function wordOf({ from, to }: Run): string {
  return from === to ? String(from) : `${from}-${to}`;
}
