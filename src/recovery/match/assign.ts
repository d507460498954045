import type { RetainedIndices } from '../../network/index.ts';
import type { Assignment } from '../correspondence.ts';
import type { RowMatches } from './rows.ts';
import { windowsOf } from './windows.ts';

/** What tells filters with equal rows apart. */
export interface Evidence {
  /** Filters to name where nothing tells. */
  readonly preferred: RetainedIndices | null;
  /** What was found out about the layer as a whole: the dense filter of each pruned one, -1 where nothing was. */
  readonly chosen: Assignment | null;
  /** A dense and a pruned filter with equal keys have the same bias, BatchNorm and the like. */
  denseKey(filter: number): string;
  prunedKey(filter: number): string;
}

/** Filters of a pruned layer, and the dense ones with the same row. */
export interface EqualRows {
  /** Pruned filters, ascending. */
  readonly members: readonly number[];
  /** Dense filters, ascending: more than one. */
  readonly rows: readonly number[];
}

/** The classes of several dense rows that pruned rows are. */
export function equalRows({ dense, pruned }: RowMatches): readonly EqualRows[] {
  const sizes = new Int32Array(dense.length);
  for (let row = 0; row < dense.length; row++) sizes[dense[row]!]!++;
  const classes = new Map<number, { readonly members: number[]; readonly rows: number[] }>();
  // By index: an iterator over entries makes a list for each, and most models have no such rows.
  for (let p = 0; p < pruned.length; p++) {
    const name = pruned[p]!;
    if (name < 0 || sizes[name]! < 2) continue;
    const known = classes.get(name);
    if (known === undefined) classes.set(name, { members: [p], rows: [] });
    else known.members.push(p);
  }
  if (classes.size > 0) for (let row = 0; row < dense.length; row++) classes.get(dense[row]!)?.rows.push(row);
  return [...classes.values()];
}

/**
 * Chooses among equal dense rows: what is known, then those whose bias and BatchNorm agree, of these the ones that keep the
 * order, then the preferred ones, each once and in ascending order as long as there are enough of them.
 * @param equal the matches' equal rows
 */
export function assignRows(matches: RowMatches, equal: readonly EqualRows[], evidence: Evidence): Assignment {
  const assigned = matches.pruned.slice();
  if (equal.length === 0) return assigned;
  const preferred = new Set(evidence.preferred ?? []);
  const windows = windowsOf(matches);
  const stages: readonly Pick<Evidence, 'denseKey' | 'prunedKey'>[] = [
    {
      denseKey: (row) => `${windows.dense[row]} ${evidence.denseKey(row)}`,
      prunedKey: (p) => `${windows.pruned[p]} ${evidence.prunedKey(p)}`,
    },
    evidence,
    { denseKey: () => '', prunedKey: () => '' },
  ];
  for (const { members, rows } of equal) {
    const free = new Set(rows);
    let open: readonly number[] = members.filter((p) => {
      const row = evidence.chosen?.[p] ?? -1;
      if (!free.delete(row)) return true;
      assigned[p] = row;
      return false;
    });
    for (const { denseKey, prunedKey } of stages) {
      if (open.length === 0) break;
      const alike = byKey(free, denseKey);
      open = [...byKey(open, prunedKey)].flatMap(([key, own]) =>
        hand(own, alike.get(key) ?? [], preferred, free, assigned),
      );
    }
    // More rows than the dense model has: the first stands twice.
    for (const p of open) assigned[p] = rows[0]!;
  }
  return assigned;
}

function byKey(filters: Iterable<number>, keyOf: (filter: number) => string): ReadonlyMap<string, number[]> {
  const groups = new Map<string, number[]>();
  for (const filter of filters) {
    const key = keyOf(filter);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [filter]);
    else known.push(filter);
  }
  return groups;
}

/** Hands rows out to members in ascending order, preferred rows first; returns the members that get none. */
function hand(
  members: readonly number[],
  rows: readonly number[],
  preferred: ReadonlySet<number>,
  free: Set<number>,
  assigned: Assignment,
): readonly number[] {
  const wanted = rows.filter((row) => preferred.has(row));
  const others = wanted.length < members.length ? rows.filter((row) => !preferred.has(row)) : [];
  const picked = [...wanted, ...others].slice(0, members.length).sort((a, b) => a - b);
  for (const [k, row] of picked.entries()) {
    assigned[members[k]!] = row;
    free.delete(row);
  }
  return members.slice(picked.length);
}
