import { bufferBehind, webAssembly } from '../../bytes/index.ts';
import type { Kernel } from './kernel.ts';
import { type RowGroup, RUN } from './row-group.ts';
import { ROWS_WASM } from './rows.generated.ts';

/** Compares whole rows of a group, bit for bit. */
export interface SameRows {
  /** Whether two dense rows are equal. */
  denseRows(row: number, other: number): boolean;
  /** Whether two pruned rows are equal. */
  prunedRows(row: number, other: number): boolean;
  /** Whether a dense row and a pruned one are equal. */
  rows(denseRow: number, row: number): boolean;
}

interface RowsModule {
  same(a: number, b: number, ofA: number, ofB: number, sizes: number, runs: number): number;
}

const rowsModule = webAssembly<RowsModule>(ROWS_WASM);

/** By WebAssembly where both kernels lie in one memory with room for the runs behind them; cold JavaScript takes six times as long. */
export function sameRows(dense: Kernel, pruned: Kernel, group: RowGroup): SameRows {
  return sameInMemory(dense, pruned, group) ?? sameByElement(dense, pruned, group);
}

function sameInMemory(dense: Kernel, pruned: Kernel, { runs }: RowGroup): SameRows | null {
  const { memory } = dense;
  if (memory === null || pruned.memory !== memory) return null;
  const last = dense.bits.byteOffset > pruned.bits.byteOffset ? dense.bits : pruned.bits;
  const room = bufferBehind(last, memory, runs.byteLength);
  if (room === null) return null;
  const size = dense.bits.BYTES_PER_ELEMENT;
  const table = room.bytes.byteOffset;
  const inBytes = new Int32Array(memory.buffer, table, runs.length);
  for (let k = 0; k < runs.length; k++) inBytes[k] = runs[k]! * size;
  const { same } = rowsModule(memory);
  const count = runs.length / RUN;
  const denseRow = rowsAt(dense);
  const prunedRow = rowsAt(pruned);
  return {
    denseRows: (row, other) => same(denseRow(row), denseRow(other), table, table, table + 8, count) === 1,
    prunedRows: (row, other) => same(prunedRow(row), prunedRow(other), table + 4, table + 4, table + 8, count) === 1,
    rows: (row, own) => same(denseRow(row), prunedRow(own), table, table + 4, table + 8, count) === 1,
  };
}

/** Where each row begins in memory. */
function rowsAt({ bits: { byteOffset, BYTES_PER_ELEMENT }, weight }: Kernel): (row: number) => number {
  const stride = weight.outStride * BYTES_PER_ELEMENT;
  return (row) => byteOffset + row * stride;
}

function sameByElement(dense: Kernel, pruned: Kernel, { runs }: RowGroup): SameRows {
  const [ofDense, ofPruned] = [
    { ...dense, start: 0 },
    { ...pruned, start: 1 },
  ];
  const same = (one: Side, row: number, two: Side, other: number): boolean => {
    const [baseA, baseB] = [row * one.weight.outStride, other * two.weight.outStride];
    for (let at = 0; at < runs.length; at += RUN) {
      const [startA, startB, count] = [baseA + runs[at + one.start]!, baseB + runs[at + two.start]!, runs[at + 2]!];
      for (let k = 0; k < count; k++) if (one.bits[startA + k] !== two.bits[startB + k]) return false;
    }
    return true;
  };
  return {
    denseRows: (row, other) => same(ofDense, row, ofDense, other),
    prunedRows: (row, other) => same(ofPruned, row, ofPruned, other),
    rows: (row, own) => same(ofDense, row, ofPruned, own),
  };
}

/** A kernel, and which number of a run says where the run begins in its rows. */
type Side = Pick<Kernel, 'bits' | 'weight'> & { readonly start: number };
