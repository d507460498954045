import type { Bits } from './bits.ts';
import type { Kernel } from './kernel.ts';
import { type RowGroup, RUN } from './row-group.ts';
import { type SameRows, sameRows } from './same-rows.ts';

/** Elements that are hashed first; rows with equal hashes are compared whole. */
const HASHED_ELEMENTS = 8;
/** Different rows that may share a hash before whole rows are hashed: sparse kernels begin alike. */
const MAX_CHAIN = 16;

/** Dense rows that are equal over the columns at hand form a class, which carries the number of its first row. */
export interface RowMatches {
  /** The class of each dense row; a row that nothing equals is a class of its own. */
  readonly dense: Int32Array;
  /** The class of dense rows that each pruned row is, bit for bit; -1 where it is none. */
  readonly pruned: Int32Array;
}

/** Finds each pruned row among the dense ones, over the remaining input columns. */
export function matchRows(dense: Kernel, pruned: Kernel, groups: readonly RowGroup[]): RowMatches {
  const classes = Int32Array.from({ length: dense.weight.outCount }, (_, row) => row);
  const found = new Int32Array(pruned.weight.outCount).fill(-1);
  for (const group of groups) {
    const same = sameRows(dense, pruned, group);
    const table =
      classTable(dense, group, firstElements(group), same, classes) ?? classTable(dense, group, group, same, classes)!;
    for (let p = group.first; p < group.end; p++) {
      const hash = hashRow(pruned.bits, p * pruned.weight.outStride, table.hashed.offsets);
      for (let row = table.heads[hash & table.mask]!; row >= 0; row = table.next[row - group.denseFirst]!) {
        if (table.hashes[row - group.denseFirst] !== hash) continue;
        if (!same.rows(row, p)) continue;
        found[p] = row;
        break;
      }
    }
  }
  return { dense: classes, pruned: found };
}

/** Offsets of the elements that are hashed, within a dense row and within a pruned one. */
type Hashed = Pick<RowGroup, 'denseOffsets' | 'offsets'>;

function firstElements({ runs }: RowGroup): Hashed {
  const [denseOffsets, offsets]: [number[], number[]] = [[], []];
  for (let at = 0; at < runs.length && offsets.length < HASHED_ELEMENTS; at += RUN) {
    for (let k = 0; k < runs[at + 2]! && offsets.length < HASHED_ELEMENTS; k++) {
      denseOffsets.push(runs[at]! + k);
      offsets.push(runs[at + 1]! + k);
    }
  }
  return { denseOffsets: Int32Array.from(denseOffsets), offsets: Int32Array.from(offsets) };
}

/** The first row of each class by its hash: chains in typed arrays, which make no objects. */
interface ClassTable {
  readonly hashed: Hashed;
  readonly mask: number;
  readonly heads: Int32Array;
  /** By row of the group. */
  readonly next: Int32Array;
  readonly hashes: Int32Array;
}

/**
 * @param classes filled in for the rows of the group
 * @returns null where too many different rows share a hash of so few elements
 */
function classTable(
  { bits, weight }: Kernel,
  { denseFirst, denseEnd, size }: RowGroup,
  hashed: Hashed,
  same: SameRows,
  classes: Int32Array,
): ClassTable | null {
  const rows = denseEnd - denseFirst;
  const mask = 2 ** Math.ceil(Math.log2(2 * rows + 1)) - 1;
  const heads = new Int32Array(mask + 1).fill(-1);
  const next = new Int32Array(rows).fill(-1);
  const hashes = new Int32Array(rows);
  for (let row = denseFirst; row < denseEnd; row++) {
    const hash = hashRow(bits, row * weight.outStride, hashed.denseOffsets);
    hashes[row - denseFirst] = hash;
    let known = heads[hash & mask]!;
    let alike = 0;
    for (; known >= 0; known = next[known - denseFirst]!) {
      if (hashes[known - denseFirst] !== hash) continue;
      if (same.denseRows(known, row)) break;
      alike++;
    }
    if (alike > MAX_CHAIN && hashed.offsets.length < size) return null;
    classes[row] = known >= 0 ? known : row;
    if (known >= 0) continue;
    next[row - denseFirst] = heads[hash & mask]!;
    heads[hash & mask] = row;
  }
  return { hashed, mask, heads, next, hashes };
}

function hashRow(bits: Bits, base: number, offsets: Int32Array): number {
  let hash = 0x811c9dc5;
  for (let k = 0; k < offsets.length; k++) {
    const value = bits[base + offsets[k]!]!;
    hash =
      Math.imul(hash ^ (typeof value === 'number' ? value : Number(value & 0xffffffffn)), 0x01000193) ^ (hash >>> 15);
  }
  return hash | 0;
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
