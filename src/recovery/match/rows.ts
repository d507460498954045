import type { Bits } from './bits.ts';
import type { Kernel, RowGroup } from './kernel.ts';

/** Elements that are hashed; rows with equal hashes are compared whole. */
const HASHED_ELEMENTS = 8;

/** Dense filters that pruned ones are, bit for bit. */
export interface RowMatches {
  /** The first dense filter with the same row, for each pruned filter; -1 where there is none. */
  readonly first: Int32Array;
  /** All of them, where there are several: the dense layer has equal rows (dead filters, for one). */
  readonly several: ReadonlyMap<number, readonly number[]>;
}

/** Finds each pruned row among the dense ones, over the remaining input columns. */
export function matchRows(dense: Kernel, pruned: Kernel, groups: readonly RowGroup[]): RowMatches {
  const first = new Int32Array(pruned.weight.outCount).fill(-1);
  const several = new Map<number, number[]>();
  for (const group of groups) {
    const { offsets, denseOffsets, denseFirst, denseEnd } = group;
    const hashed = Math.min(HASHED_ELEMENTS, offsets.length);
    const rows = denseEnd - denseFirst;
    const mask = 2 ** Math.ceil(Math.log2(2 * rows + 1)) - 1;
    // Chains of rows with one hash, in ascending order: a table that makes no objects.
    const heads = new Int32Array(mask + 1).fill(-1);
    const next = new Int32Array(rows);
    for (let row = rows - 1; row >= 0; row--) {
      const slot = hashRow(dense.bits, (denseFirst + row) * dense.weight.outStride, denseOffsets, hashed) & mask;
      next[row] = heads[slot]!;
      heads[slot] = row;
    }
    for (let p = group.first; p < group.end; p++) {
      const base = p * pruned.weight.outStride;
      for (let row = heads[hashRow(pruned.bits, base, offsets, hashed) & mask]!; row >= 0; row = next[row]!) {
        const d = denseFirst + row;
        if (!sameRow(dense.bits, d * dense.weight.outStride, denseOffsets, pruned.bits, base, offsets)) continue;
        if (first[p] === -1) first[p] = d;
        else several.set(p, withRow(several.get(p) ?? [first[p]!], d));
      }
    }
  }
  return { first, several };
}

function withRow(rows: number[], row: number): number[] {
  rows.push(row);
  return rows;
}

function hashRow(bits: Bits, base: number, offsets: Int32Array, count: number): number {
  let hash = 0x811c9dc5;
  for (let k = 0; k < count; k++) {
    const value = bits[base + offsets[k]!]!;
    hash =
      Math.imul(hash ^ (typeof value === 'number' ? value : Number(value & 0xffffffffn)), 0x01000193) ^ (hash >>> 15);
  }
  return hash | 0;
}

function sameRow(a: Bits, baseA: number, offsetsA: Int32Array, b: Bits, baseB: number, offsetsB: Int32Array): boolean {
  for (let k = 0; k < offsetsA.length; k++) if (a[baseA + offsetsA[k]!] !== b[baseB + offsetsB[k]!]) return false;
  return true;
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
