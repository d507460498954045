import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bufferFor, reusableBuffer } from '../../../src/bytes/index.ts';
import { filterBlocks, type Weight } from '../../../src/network/index.ts';
import { inlineTensor, narrowed, type Tensor, type TensorData } from '../../../src/onnx/index.ts';
import { equalRows } from '../../../src/recovery/match/assign.ts';
import { matchByBlocks } from '../../../src/recovery/match/by-blocks.ts';
import { kernelOf, rowGroups } from '../../../src/recovery/match/kernel.ts';
import { matchRows } from '../../../src/recovery/match/rows.ts';
import { windowsOf } from '../../../src/recovery/match/windows.ts';
import type { Reading } from '../../../src/recovery/readings.ts';

const TYPES = { float16: Uint16Array, float32: Uint32Array, float64: BigUint64Array } as const;
type DType = keyof typeof TYPES;
type Rows = readonly (readonly number[])[];

const ROOM = 2 ** 16;
/** The least that is read at a time: eight rows. */
const SMALL = 1;

type Bits = Uint16Array | Uint32Array | BigUint64Array;

/** A tensor that is read in parts, and into the memory that is given, as those of files are. */
function tensorOf(dtype: Tensor['dtype'], all: Bits): Tensor {
  const bytes = new Uint8Array(all.buffer);
  const of = (first: number, count: number): Tensor => {
    const own = bytes.subarray(first * all.BYTES_PER_ELEMENT, (first + count) * all.BYTES_PER_ELEMENT);
    const read: Tensor['read'] = (reuse) => {
      const into = bufferFor(own.length, 'a file', 'w', reuse);
      into.set(own);
      return { dtype, dims: [count], bytes: into };
    };
    return { ...inlineTensor('w', dtype, [count], new Uint8Array(0)), read };
  };
  return { ...of(0, all.length), part: of };
}

/** Each column is a window of `width` elements of one value. */
function sideOf(dtype: DType, rows: Rows, width: number) {
  const bits = rows.flatMap((row) => row.flatMap((value) => Array<number>(width).fill(value)));
  const all = dtype === 'float64' ? BigUint64Array.from(bits, BigInt) : TYPES[dtype].from(bits);
  return sideOfBits(dtype, all, rows[0]!.length, width);
}

function sideOfBits(dtype: Tensor['dtype'], all: Bits, columns: number, width = 1) {
  const weight: Weight = {
    tensor: tensorOf(dtype, all),
    outCount: all.length / (columns * width),
    outStride: columns * width,
    inCount: columns,
    inStride: width,
    kernelOffsets: Int32Array.from({ length: width }, (_, k) => k),
    rowScale: null,
  };
  return { layer: { weight, groups: 1 }, buffer: reusableBuffer(8 * all.length, ROOM) };
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

function floats(values: Float32Array): TensorData {
  return { dtype: 'float32', dims: [values.length], bytes: new Uint8Array(values.buffer) };
}

/** Whether a row of two halves that begins at a byte is zeros of either sign. */
function isZero(bytes: Uint8Array, at: number): boolean {
  return [0, 2].every((k) => bytes[at + k] === 0 && (bytes[at + k + 1]! & 0x7f) === 0);
}

function whole({ dense, pruned, columns }: { dense: Side; pruned: Side; columns: Int32Array }, as: As) {
  const [a, b] = [dense, pruned].map(({ layer, buffer }) => kernelOf(layer.weight, 1, buffer, as)!);
  return matchRows(a!, b!, rowGroups(a!, b!, columns, null)!);
}
type Side = ReturnType<typeof sideOf>;
type As = Pick<Reading, 'dtype' | 'way'>;

const byBlocks = (
  dense: Parameters<typeof matchByBlocks>[0],
  pruned: Side,
  columns: Int32Array,
  as: As,
  bytes?: number,
) => matchByBlocks(dense, pruned, columns, [as], bytes)?.matches ?? null;

const FLOAT32: As = { dtype: 'float32', way: 0 };

describe('rows that pass by in blocks', () => {
  it('are found as in the whole kernel, or nothing is said', () => {
    let [found, unsaid] = [0, 0];
    fc.assert(
      fc.property(cases, (drawn) => {
        const { dense, pruned, columns, mayBeZeroed } = build(drawn);
        expect(filterBlocks(dense.layer.weight, SMALL).length).toBeGreaterThan(1);
        const as = { dtype: drawn.dtype, way: 0 };
        const expected = whole({ dense, pruned, columns }, as);
        const matches = byBlocks(dense, pruned, columns, as, SMALL);
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
    expect([...byBlocks(dense!, pruned!, Int32Array.of(0, 1, 2), FLOAT32, SMALL)!.pruned]).toEqual(own);
  });

  it('are found where the pruned ones were rounded, in the way in which they were, and the dense ones are seen as they are stored', () => {
    const row = fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 });
    const rounding = fc.constantFrom(
      { dtype: 'float16', way: 0 } as const,
      { dtype: 'float16', way: 1 } as const,
      { dtype: 'bfloat16', way: 0 } as const,
      { dtype: 'bfloat16', way: 1 } as const,
    );
    const kept = fc.array(fc.nat(), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 9, maxLength: 40 }),
        kept,
        rounding,
        fc.constantFrom(0, 64),
        (rows, some, as, room) => {
          const stored = Float32Array.from(rows.flat());
          const columns = Int32Array.of(0, 2);
          const own = some.flatMap((k) => [0, 2].map((column) => rows[k % rows.length]![column]!));
          const half = narrowed(floats(Float32Array.from(own)), as.dtype, as.way);
          const dense = sideOfBits('float32', new Uint32Array(stored.buffer), 3);
          const pruned = sideOfBits(as.dtype, new Uint16Array(half.bytes.buffer), 2);
          const seen: number[] = [];
          // What it computes lies behind a block as it is stored.
          const see = (_: Weight, __: unknown, { bytes }: TensorData): void => {
            seen.push(...new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4));
            new Uint8Array(bytes.buffer, bytes.byteOffset + bytes.byteLength, room).fill(0x5a);
          };
          const ways = [0, 1].map((way) => ({ dtype: as.dtype, way }));
          const found = matchByBlocks({ ...dense, onlooker: { room: () => room, see } }, pruned, columns, ways, SMALL);
          // What could have been set to zero is left to whoever reads it whole.
          if (some.length === rows.length && half.bytes.some((_, k) => k % 4 === 0 && isZero(half.bytes, k))) return;
          const passes = found!.reading.way + 1;
          expect(seen).toEqual(Array.from({ length: passes }, () => [...stored]).flat());
          expect(found!.matches.pruned).toEqual(whole({ dense, pruned, columns }, found!.reading).pruned);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('are not read to the end where none of many is found', () => {
    const rows = Array.from({ length: 800 }, (_, k) => [k + 1]);
    const columns = Int32Array.of(0);
    let seen = 0;
    const see = (_: Weight, { first }: { readonly first: number }): void => {
      seen = first;
    };
    const dense = { ...sideOf('float32', rows, 1), onlooker: { room: () => 0, see } };
    const found = (own: Rows) => byBlocks(dense, sideOf('float32', own, 1), columns, FLOAT32, SMALL);
    expect(found(rows.slice(0, 1))).not.toBeNull();
    expect(seen).toBe(792);
    expect(found([[1000]])).toBeNull();
    expect(seen).toBeLessThan(120);
  });

  it('are left to whoever reads the whole kernel where windows are others, or there is but one block', () => {
    const rows = Array.from({ length: 24 }, (_, k) => [k + 1, 2]);
    const columns = Int32Array.of(0, 1);
    const dense = sideOf('float32', rows, 9);
    expect(byBlocks(dense, dense, columns, FLOAT32, SMALL)).not.toBeNull();
    expect(byBlocks(dense, sideOf('float32', rows, 4), columns, FLOAT32, SMALL)).toBeNull();
    expect(byBlocks(dense, dense, columns, FLOAT32)).toBeNull();
  });
});
