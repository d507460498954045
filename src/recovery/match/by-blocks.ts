import type { ReusableBuffer } from '../../bytes/index.ts';
import {
  BLOCK_BYTES,
  type FilterBlock,
  filterBlocks,
  type Layer,
  type Onlooker,
  sequence,
  type Weight,
} from '../../network/index.ts';
import { type Kernel, kernelOf, roomBehind, rowGroups } from './kernel.ts';
import type { RowGroup } from './row-group.ts';
import { findRow, hashRow, rowTable } from './row-table.ts';
import type { RowMatches } from './rows.ts';
import { sameRows } from './same-rows.ts';
import { hasZeroRow } from './zero-rows.ts';

/** A layer of one of the models, the buffer that its weights are read into, and who looks on. */
export interface Side {
  readonly layer: Pick<Layer, 'weight' | 'groups'>;
  readonly buffer: ReusableBuffer;
  readonly onlooker?: Onlooker | null;
}

/**
 * What `matchRows` finds, while the dense rows pass by in blocks: the pruned kernel alone is in memory, and a block is compared while it is
 * in the cache. Dense rows that no pruned row is are classes of their own here, whether or not they are equal: nobody asks.
 * @param columns dense input column of each pruned one
 * @returns null where it takes the whole kernel to tell: some pruned row is no dense one, or was set to zero; the two are stored unlike;
 * or the dense one is not read by blocks
 */
export function matchByBlocks(
  dense: Side,
  pruned: Side,
  columns: Int32Array,
  bytesOfBlock = BLOCK_BYTES,
): RowMatches | null {
  const [weight, own] = [weightOf(dense.layer), weightOf(pruned.layer)];
  if (weight === null || own === null || !areAlike(weight, own)) return null;
  const blocks = filterBlocks(weight, bytesOfBlock);
  if (blocks.length === 1) return null;
  const { groups } = dense.layer;
  const all = rowGroups({ weight, groups }, { weight: own, groups: pruned.layer.groups }, columns, null);
  // What has several groups of filters is small.
  if (all === null || all.length > 1) return null;
  const [group] = all as [RowGroup];
  const onlooker = dense.onlooker ?? null;
  const read = (block: FilterBlock): Kernel | null =>
    kernelOf(block.weight, groups, dense.buffer, null, (stored) => onlooker?.see(weight, block, stored));
  const one = read(blocks[0]!);
  const room = one === null ? null : (roomBehind(one, own, onlooker?.room(one.weight)) ?? pruned.buffer);
  const kernel = room === null ? null : kernelOf(own, pruned.layer.groups, room);
  if (one === null || kernel === null) return null;
  if (weight.outCount === own.outCount && hasZeroRow(kernel, group)) return null;
  const matcher = matcherOf(one, kernel, group, weight.outCount);
  matcher.pass(one, 0);
  // All blocks lie in the same place, one after another.
  for (const block of blocks.slice(1)) matcher.pass(read(block)!, block.first);
  return matcher.matches();
}

function weightOf({ weight }: Side['layer']): Weight | null {
  return weight === null || 'opaque' in weight ? null : weight;
}

function areAlike(one: Weight, other: Weight): boolean {
  return one.tensor.dtype === other.tensor.dtype && one.kernelOffsets.length === other.kernelOffsets.length;
}

interface Matcher {
  /** @param first number of the block's first filter */
  pass(block: Kernel, first: number): void;
  /** What was found; null where some pruned row is no dense one. */
  matches(): RowMatches | null;
}

/** @param place a block, in the place where all of them lie */
function matcherOf(place: Kernel, pruned: Kernel, group: RowGroup, filters: number): Matcher {
  const same = sameRows(place, pruned, group);
  const dense = sequence(filters);
  const classes = new Int32Array(pruned.weight.outCount);
  const rows = { kernel: pruned, side: 'pruned', first: group.first, end: group.end } as const;
  const areSame = (own: number, row: number): boolean => same.rows(row, own);
  const table = rowTable({ ...rows, areSame: same.prunedRows }, group, classes);
  // The first dense row that each pruned one is.
  const found = new Int32Array(classes.length).fill(-1);
  return {
    pass({ bits, weight }, first) {
      const end = Math.min(weight.outCount, group.denseEnd - first);
      for (let row = Math.max(0, group.denseFirst - first); row < end; row++) {
        const hash = hashRow(bits, row * weight.outStride, table.hashed.denseOffsets);
        const p = findRow(table, row, hash, areSame);
        if (p < 0) continue;
        if (found[p] === -1) found[p] = first + row;
        dense[first + row] = found[p]!;
      }
    },
    matches() {
      const matched = classes.map((p) => found[p]!);
      return matched.includes(-1) ? null : { dense, pruned: matched };
    },
  };
}
