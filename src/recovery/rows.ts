import type { Bits } from './bits.ts';
import type { Kernel, RowGroup } from './kernel.ts';

/** Elements that are hashed; rows with equal hashes are compared whole. */
const HASHED_ELEMENTS = 8;
const NONE: readonly number[] = [];

/**
 * For each pruned filter the dense filters with identical bits over the remaining input columns. Several where the dense
 * layer has equal rows (dead filters, for one); none where the pruned row is not a dense row.
 */
export function matchRows(dense: Kernel, pruned: Kernel, groups: readonly RowGroup[]): readonly (readonly number[])[] {
  const candidates: (readonly number[])[] = new Array(pruned.weight.outCount);
  for (const group of groups) {
    const { offsets, denseOffsets } = group;
    const hashed = Math.min(HASHED_ELEMENTS, offsets.length);
    const buckets = new Map<number, number[]>();
    for (let d = group.denseFirst; d < group.denseEnd; d++) {
      const key = hashRow(dense.bits, d * dense.weight.outStride, denseOffsets, hashed);
      const bucket = buckets.get(key);
      if (bucket === undefined) buckets.set(key, [d]);
      else bucket.push(d);
    }
    for (let p = group.first; p < group.end; p++) {
      const base = p * pruned.weight.outStride;
      const bucket = buckets.get(hashRow(pruned.bits, base, offsets, hashed)) ?? NONE;
      candidates[p] = bucket.filter((d) =>
        sameRow(dense.bits, d * dense.weight.outStride, denseOffsets, pruned.bits, base, offsets),
      );
    }
  }
  return candidates;
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
