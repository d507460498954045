import { sequence } from '../../network/index.ts';
import type { Kernel } from './kernel.ts';
import type { RowGroup } from './row-group.ts';
import { findRow, hashRow, rowTable } from './row-table.ts';
import { sameRows } from './same-rows.ts';

/** Dense rows that are equal over the columns at hand form a class, which carries the number of its first row. */
export interface RowMatches {
  /** The class of each dense row; a row that nothing equals is a class of its own. */
  readonly dense: Int32Array;
  /** The class of dense rows that each pruned row is, bit for bit; -1 where it is none. */
  readonly pruned: Int32Array;
}

/** Finds each pruned row among the dense ones, over the remaining input columns. */
export function matchRows(dense: Kernel, pruned: Kernel, groups: readonly RowGroup[]): RowMatches {
  const classes = sequence(dense.weight.outCount);
  const found = new Int32Array(pruned.weight.outCount).fill(-1);
  for (const group of groups) {
    const same = sameRows(dense, pruned, group);
    const rows = { kernel: dense, side: 'dense', first: group.denseFirst, end: group.denseEnd } as const;
    const table = rowTable({ ...rows, areSame: same.denseRows }, group, classes);
    for (let p = group.first; p < group.end; p++) {
      const hash = hashRow(pruned.bits, p * pruned.weight.outStride, table.hashed.offsets);
      found[p] = findRow(table, p, hash, same.rows);
    }
  }
  return { dense: classes, pruned: found };
}

/** The dense row that shares most elements with a pruned one, and how many differ; null where none shares more than half. */
export function nearestRow(
  dense: Kernel,
  pruned: Kernel,
  group: RowGroup,
  p: number,
): { readonly filter: number; readonly differing: number; readonly firstAt: number } | null {
  const { offsets, denseOffsets } = group;
  const base = p * pruned.weight.outStride;
  let best = { filter: -1, differing: offsets.length, firstAt: 0 };
  for (let d = group.denseFirst; d < group.denseEnd; d++) {
    const denseBase = d * dense.weight.outStride;
    let differing = 0;
    let firstAt = -1;
    for (let k = 0; k < offsets.length && differing < best.differing; k++) {
      if (dense.bits[denseBase + denseOffsets[k]!] === pruned.bits[base + offsets[k]!]) continue;
      if (firstAt < 0) firstAt = k;
      differing++;
    }
    if (differing < best.differing) best = { filter: d, differing, firstAt };
  }
  return best.differing * 2 < offsets.length ? best : null;
}
