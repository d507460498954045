import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reusableBuffer } from '../../../src/bytes/index.ts';
import { filterBlocks, type Weight } from '../../../src/network/index.ts';
import { inlineTensor, type Tensor } from '../../../src/onnx/index.ts';
import { equalRows } from '../../../src/recovery/match/assign.ts';
import { matchByBlocks } from '../../../src/recovery/match/by-blocks.ts';
import { kernelOf, rowGroups } from '../../../src/recovery/match/kernel.ts';
import { matchRows } from '../../../src/recovery/match/rows.ts';
import { windowsOf } from '../../../src/recovery/match/windows.ts';

const TYPES = { float16: Uint16Array, float32: Uint32Array, float64: BigUint64Array } as const;
type DType = keyof typeof TYPES;
type Rows = readonly (readonly number[])[];

const ROOM = 2 ** 16;
/** The least that is read at a time: eight rows. */
const SMALL = 1;

/** A tensor that is read in parts, as those of files are, and which rows of it were read. */
function tensorOf(dtype: DType, rows: Rows, width: number): Tensor {
  const bits = rows.flatMap((row) => row.flatMap((value) => Array<number>(width).fill(value)));
  const all = dtype === 'float64' ? BigUint64Array.from(bits, BigInt) : TYPES[dtype].from(bits);
  const bytes = new Uint8Array(all.buffer);
  const of = (first: number, count: number): Tensor => {
    const size = all.BYTES_PER_ELEMENT;
    return inlineTensor('w', dtype, [count], bytes.slice(first * size, (first + count) * size));
  };
  return { ...of(0, bits.length), part: of };
}

/** Each column is a window of `width` elements of one value. */
function sideOf(dtype: DType, rows: Rows, width: number) {
  const columns = rows[0]!.length;
  const weight: Weight = {
    tensor: tensorOf(dtype, rows, width),
    outCount: rows.length,
    outStride: columns * width,
    inCount: columns,
    inStride: width,
    kernelOffsets: Int32Array.from({ length: width }, (_, k) => k),
    rowScale: null,
  };
  return { layer: { weight, groups: 1 }, buffer: reusableBuffer(ROOM) };
}

/** Bits of zeros of both signs, of a NaN, and of some other values, in each type's own way. */
const VALUES = [0, 0x8000, 0x7fff, 1, 2, 3] as const;

const cases = fc.record({
  dtype: fc.constantFrom('float16', 'float32', 'float64'),
  width: fc.constantFrom(1, 9),
  columns: fc.integer({ min: 1, max: 6 }),
  dense: fc.integer({ min: 9, max: 40 }),
  seed: fc.array(fc.constantFrom<number>(...VALUES), { minLength: 3, maxLength: 97 }),
  zeros: fc.uniqueArray(fc.nat(39), { maxLength: 4 }),
  kept: fc.array(fc.nat(), { minLength: 1, maxLength: 50 }),
  keptColumns: fc.uniqueArray(fc.nat(5), { minLength: 1, maxLength: 6 }),
  isWhole: fc.boolean(),
  changed: fc.option(fc.record({ row: fc.nat(), column: fc.nat(), value: fc.constantFrom<number>(...VALUES, 9) })),
});

function build({ dtype, width, columns, dense: count, seed, zeros, kept, keptColumns, isWhole, changed }: Case) {
  const dense = Array.from({ length: count }, (_, row) =>
    Array.from({ length: columns }, (_, column) =>
      zeros.includes(row) ? 0 : seed[(row * columns + column) % seed.length]!,
    ),
  );
  const own = keptColumns.filter((column) => column < columns);
  const left = own.length === 0 ? [0] : own;
  const rows = isWhole ? [...dense.keys()] : kept.map((row) => row % count);
  const pruned = rows.map((row) => left.map((column) => dense[row]![column]!));
  if (changed !== null) pruned[changed.row % rows.length]![changed.column % left.length] = changed.value;
  const isZero = (bits: number): boolean => bits === 0 || (dtype === 'float16' && bits === 0x8000);
  return {
    dense: sideOf(dtype, dense, width),
    pruned: sideOf(dtype, pruned, width),
    columns: Int32Array.from(left),
    mayBeZeroed: rows.length === count && pruned.some((row) => row.every(isZero)),
  };
}
type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never;

function whole({ dense, pruned, columns }: { dense: Side; pruned: Side; columns: Int32Array }) {
  const [a, b] = [dense, pruned].map(({ layer, buffer }) => kernelOf(layer.weight, 1, buffer)!);
  return matchRows(a!, b!, rowGroups(a!, b!, columns, null)!);
}
type Side = ReturnType<typeof sideOf>;

describe('rows that pass by in blocks', () => {
  it('are found as in the whole kernel, or nothing is said', () => {
    let [found, unsaid] = [0, 0];
    fc.assert(
      fc.property(cases, (drawn) => {
        const { dense, pruned, columns, mayBeZeroed } = build(drawn);
        expect(filterBlocks(dense.layer.weight, SMALL).length).toBeGreaterThan(1);
        const expected = whole({ dense, pruned, columns });
        const matches = matchByBlocks(dense, pruned, columns, SMALL);
        if (expected.pruned.includes(-1) || mayBeZeroed) {
          unsaid++;
          expect(matches).toBeNull();
          return;
        }
        found++;
        expect(matches!.pruned).toEqual(expected.pruned);
        const named = new Set(expected.pruned);
        expect([...matches!.dense]).toEqual([...expected.dense].map((name, row) => (named.has(name) ? name : row)));
        // Which is all that is asked of the classes.
        expect(equalRows(matches!)).toEqual(equalRows(expected));
        expect(windowsOf(matches!)).toEqual(windowsOf(expected));
      }),
      { numRuns: 500 },
    );
    expect(Math.min(found, unsaid)).toBeGreaterThan(10);
  });

  it('that begin alike by the hundred are told apart all the same', () => {
    const sparse = Array.from({ length: 200 }, (_, k) => [0, 0, k + 1]);
    const own = Array.from({ length: 60 }, (_, k) => 3 * k);
    const [dense, pruned] = [sparse, own.map((row) => sparse[row]!)].map((rows) => sideOf('float32', rows, 9));
    expect([...matchByBlocks(dense!, pruned!, Int32Array.of(0, 1, 2), SMALL)!.pruned]).toEqual(own);
  });

  it('are left to whoever reads the whole kernel where types or windows are others, or there is but one block', () => {
    const rows = Array.from({ length: 24 }, (_, k) => [k + 1, 2]);
    const columns = Int32Array.of(0, 1);
    const dense = sideOf('float32', rows, 9);
    expect(matchByBlocks(dense, dense, columns, SMALL)).not.toBeNull();
    expect(matchByBlocks(dense, sideOf('float16', rows, 9), columns, SMALL)).toBeNull();
    expect(matchByBlocks(dense, sideOf('float32', rows, 4), columns, SMALL)).toBeNull();
    expect(matchByBlocks(dense, dense, columns)).toBeNull();
  });
});
