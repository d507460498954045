import type { Bits } from './bits.ts';
import type { Kernel } from './kernel.ts';
import { type RowGroup, RUN } from './row-group.ts';

/** Elements that are hashed first; rows with equal hashes are compared whole. */
const HASHED_ELEMENTS = 8;
/** Different rows that may share a hash before whole rows are hashed: sparse kernels begin alike. */
const MAX_CHAIN = 16;

/** Rows that are looked for, and how two of them are compared. */
export interface IndexedRows {
  readonly kernel: Kernel;
  readonly side: 'dense' | 'pruned';
  readonly first: number;
  readonly end: number;
  areSame(row: number, other: number): boolean;
}

/** Rows by the hash of some elements, of those that are equal the first: chains in typed arrays, which make no objects. */
export interface RowTable {
  /** Offsets of the elements that are hashed, within a dense row and within a pruned one. */
  readonly hashed: Hashed;
  readonly first: number;
  readonly mask: number;
  readonly heads: Int32Array;
  /** By row, from the first on. */
  readonly next: Int32Array;
  readonly hashes: Int32Array;
}

type Hashed = Pick<RowGroup, 'denseOffsets' | 'offsets'>;

/** @param classes filled in for the rows: of those that are equal, the first */
export function rowTable(rows: IndexedRows, group: RowGroup, classes: Int32Array): RowTable {
  return tableOf(rows, firstElements(group), classes, MAX_CHAIN) ?? tableOf(rows, group, classes, rows.end)!;
}

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

/** @returns null where more different rows than `most` share a hash */
function tableOf(
  { kernel: { bits, weight }, side, first, end, areSame }: IndexedRows,
  hashed: Hashed,
  classes: Int32Array,
  most: number,
): RowTable | null {
  const rows = end - first;
  const mask = 2 ** Math.ceil(Math.log2(2 * rows + 1)) - 1;
  const heads = new Int32Array(mask + 1).fill(-1);
  const next = new Int32Array(rows).fill(-1);
  const hashes = new Int32Array(rows);
  const offsets = side === 'dense' ? hashed.denseOffsets : hashed.offsets;
  for (let row = first; row < end; row++) {
    const hash = hashRow(bits, row * weight.outStride, offsets);
    hashes[row - first] = hash;
    let known = heads[hash & mask]!;
    let alike = 0;
    for (; known >= 0; known = next[known - first]!) {
      if (hashes[known - first] !== hash) continue;
      if (areSame(known, row)) break;
      alike++;
    }
    if (alike > most) return null;
    classes[row] = known >= 0 ? known : row;
    if (known >= 0) continue;
    next[row - first] = heads[hash & mask]!;
    heads[hash & mask] = row;
  }
  return { hashed, first, mask, heads, next, hashes };
}

/**
 * Finds the row of a table that another one is.
 * @param hash of the other row
 * @param areSame whether a row of the table is the other: one function for all rows that are looked for
 * @returns -1 where none is
 */
export function findRow(
  { first, mask, heads, next, hashes }: RowTable,
  other: number,
  hash: number,
  areSame: (row: number, other: number) => boolean,
): number {
  let row = heads[hash & mask]!;
  while (row >= 0 && !(hashes[row - first] === hash && areSame(row, other))) row = next[row - first]!;
  return row;
}

export function hashRow(bits: Bits, base: number, offsets: Int32Array): number {
  let hash = 0x811c9dc5;
  for (let k = 0; k < offsets.length; k++) {
    const value = bits[base + offsets[k]!]!;
    hash =
      Math.imul(hash ^ (typeof value === 'number' ? value : Number(value & 0xffffffffn)), 0x01000193) ^ (hash >>> 15);
  }
  return hash | 0;
}
