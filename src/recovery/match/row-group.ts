import type { Weight } from '../../network/index.ts';

/** Filters of one group, and where each of its pruned input columns lies in the dense kernel. */
export interface RowGroup {
  /** Pruned filters first .. end. */
  readonly first: number;
  readonly end: number;
  /** Dense filters first .. end that they can be. */
  readonly denseFirst: number;
  readonly denseEnd: number;
  /** How many elements of a row are compared. */
  readonly size: number;
  /**
   * Stretches that lie in one piece in either row, three numbers each: element offset within a dense row, within a pruned row, and how many elements.
   * Columns that are kept side by side are one.
   */
  readonly runs: Int32Array;
  /** Element offset within a pruned row, for each compared element. */
  readonly offsets: Int32Array;
  /** Element offset within a dense row, for each compared element. */
  readonly denseOffsets: Int32Array;
}

type Filters = Pick<RowGroup, 'first' | 'end' | 'denseFirst' | 'denseEnd'>;

/** Numbers of one run. */
export const RUN = 3;

/**
 * @param denseColumns input columns of a dense row that are compared
 * @param columns the same of a pruned row
 */
export function rowGroup(
  { first, end, denseFirst, denseEnd }: Filters,
  dense: Weight,
  denseColumns: Int32Array,
  pruned: Weight,
  columns: Int32Array,
): RowGroup {
  // Most rows are compared by their runs alone.
  let known: Int32Array | null = null;
  let denseKnown: Int32Array | null = null;
  return {
    first,
    end,
    denseFirst,
    denseEnd,
    size: columns.length * pruned.kernelOffsets.length,
    runs: runsOf(dense, denseColumns, pruned, columns),
    get offsets() {
      known ??= elementOffsets(pruned, columns);
      return known;
    },
    get denseOffsets() {
      denseKnown ??= elementOffsets(dense, denseColumns);
      return denseKnown;
    },
  };
}

function runsOf(dense: Weight, denseColumns: Int32Array, pruned: Weight, columns: Int32Array): Int32Array {
  const window = isInOnePiece(dense) && isInOnePiece(pruned) ? pruned.kernelOffsets.length : 1;
  const starts = pruned.kernelOffsets.length / window;
  const runs = new Int32Array(RUN * columns.length * starts);
  let end = -1;
  let denseEnd = -1;
  let at = -RUN;
  for (let c = 0; c < columns.length; c++) {
    for (let k = 0; k < starts; k++) {
      const start = columns[c]! * pruned.inStride + pruned.kernelOffsets[k]!;
      const denseStart = denseColumns[c]! * dense.inStride + dense.kernelOffsets[k]!;
      if (start !== end || denseStart !== denseEnd) {
        at += RUN;
        runs[at] = denseStart;
        runs[at + 1] = start;
      }
      runs[at + 2]! += window;
      end = start + window;
      denseEnd = denseStart + window;
    }
  }
  return runs.slice(0, at + RUN);
}

/** Whether the elements of one column lie one after another. */
function isInOnePiece({ kernelOffsets }: Weight): boolean {
  return kernelOffsets.every((offset, k) => offset === kernelOffsets[0]! + k);
}

/** Offsets of the given columns' elements within a row. */
function elementOffsets({ kernelOffsets, inStride }: Weight, columns: Int32Array): Int32Array {
  const size = kernelOffsets.length;
  if (size === 1) return columns.map((column) => column * inStride + kernelOffsets[0]!);
  const offsets = new Int32Array(columns.length * size);
  for (let at = 0, n = 0; at < columns.length; at++)
    for (let k = 0; k < size; k++) offsets[n++] = columns[at]! * inStride + kernelOffsets[k]!;
  return offsets;
}
