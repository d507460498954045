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
import { bytesOf } from '../../onnx/index.ts';
import type { Reading } from '../readings.ts';
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
 * @param ways in which both may be read, tried one after another
 * @returns null where only the whole kernel can tell: some pruned row is no dense one, which is assumed where none of the first many dense rows is a
 * pruned one, or was set to zero; the two are laid out unlike; or the dense one is not read by blocks
 */
export function matchByBlocks<R extends Pick<Reading, 'dtype' | 'way'>>(
  dense: Side,
  pruned: Side,
  columns: Int32Array,
  ways: Iterable<R>,
  bytesOfBlock = BLOCK_BYTES,
): { readonly matches: RowMatches; readonly reading: R } | null {
  const [weight, own] = [weightOf(dense.layer), weightOf(pruned.layer)];
  if (weight === null || own === null || weight.kernelOffsets.length !== own.kernelOffsets.length) return null;
  const blocks = filterBlocks(weight, bytesOfBlock);
  if (blocks.length === 1) return null;
  const { groups } = dense.layer;
  const all = rowGroups({ weight, groups }, { weight: own, groups: pruned.layer.groups }, columns, null);
  // What has several groups of filters is small.
  if (all === null || all.length > 1) return null;
  const [group] = all as [RowGroup];
  const onlooker = dense.onlooker ?? null;
  const telling = group.denseFirst + Math.max(TELLING_ROWS, TELLING_SHARE * weight.outCount);
  for (const reading of ways) {
    const read = (block: FilterBlock): Kernel | null =>
      kernelOf(block.weight, groups, dense.buffer, reading, (stored) => onlooker?.see(weight, block, stored));
    const one = read(blocks[0]!);
    if (one === null) return null;
    // What is stored of a block may be longer than what it is read as, and the next one lies there again.
    const { tensor } = one.weight;
    const beyond = Math.max(0, (bytesOf(tensor.dtype, tensor.elements) ?? 0) - one.bits.byteLength);
    const room = roomBehind(one, own, beyond + (onlooker?.room(one.weight) ?? 0)) ?? pruned.buffer;
    const kernel = kernelOf(own, pruned.layer.groups, room, reading);
    if (kernel === null) return null;
    if (weight.outCount === own.outCount && hasZeroRow(kernel, group)) return null;
    const matcher = matcherOf(one, kernel, group, weight.outCount);
    matcher.pass(one, 0);
    // All blocks lie in the same place, one after another.
    for (const block of blocks.slice(1)) {
      if (block.first >= telling && !matcher.hasFound()) break;
      matcher.pass(read(block)!, block.first);
    }
    const matches = matcher.matches();
    if (matches !== null) return { matches, reading };
  }
  return null;
}

/** Where none of so many dense rows is a pruned one, the layer was probably retrained, or rounded in another way. */
const [TELLING_ROWS, TELLING_SHARE] = [64, 1 / 8];

function weightOf({ weight }: Side['layer']): Weight | null {
  return weight === null || 'opaque' in weight ? null : weight;
}

interface Matcher {
  /** @param first number of the block's first filter */
  pass(block: Kernel, first: number): void;
  hasFound(): boolean;
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
  let hasFound = false;
  return {
    hasFound: () => hasFound,
    pass({ bits, weight }, first) {
      const end = Math.min(weight.outCount, group.denseEnd - first);
      for (let row = Math.max(0, group.denseFirst - first); row < end; row++) {
        const hash = hashRow(bits, row * weight.outStride, table.hashed.denseOffsets);
        const p = findRow(table, row, hash, areSame);
        if (p < 0) continue;
        hasFound = true;
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
