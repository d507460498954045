import type { RetainedIndices } from '../../network/index.ts';
import type { Assignment } from '../correspondence.ts';
import type { RowMatches } from './rows.ts';

export interface Evidence {
  readonly preferred: RetainedIndices | null;
  /** Whether bias, BatchNorm and the like of a dense filter are those of a pruned one. */
  isSame(denseFilter: number, prunedFilter: number): boolean;
}

/**
 * Chooses among equal dense rows: those whose bias and BatchNorm agree, then preferred ones, each once and in ascending
 * order as long as there are enough of them.
 */
export function assignRows({ first, several }: RowMatches, evidence: Evidence): Assignment {
  const assigned = first.slice();
  const classes = new Map<string, number[]>();
  for (const [p, rows] of several) {
    const key = rows.join();
    classes.set(key, [...(classes.get(key) ?? []), p]);
  }
  const preferred = new Set(evidence.preferred ?? []);
  for (const members of classes.values()) {
    const rows = several.get(members[0]!)!;
    const used = new Set<number>();
    const chosen = members.map((p) => {
      const free = rows.filter((row) => !used.has(row));
      const agreeing = free.filter((row) => evidence.isSame(row, p));
      const pool = agreeing.length > 0 ? agreeing : free;
      const row = pool.find((candidate) => preferred.has(candidate)) ?? pool[0] ?? rows[0]!;
      used.add(row);
      return row;
    });
    // Rows that nothing tells apart stand in ascending order, unless that would part one from its bias.
    const sorted = [...chosen].sort((a, b) => a - b);
    const isFree = members.every((p, k) => !evidence.isSame(chosen[k]!, p) || evidence.isSame(sorted[k]!, p));
    for (const [k, p] of members.entries()) assigned[p] = (isFree ? sorted : chosen)[k]!;
  }
  return assigned;
}
