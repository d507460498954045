import { type ReusableBuffer, webAssembly } from '../../../bytes/index.ts';
import type { Weight } from '../../../network/index.ts';
import { behindWeights, roomBehindWeights } from '../../shared/behind-weights.ts';
import { NORMS_WASM } from './norms.generated.ts';
import { PACKED_NORMS_WASM } from './packed-norms.generated.ts';

/** The same norms by WebAssembly, of a kernel that lies in its memory; null where the kernel lies elsewhere, or no room is behind it. */
export type NormsInPlace = (data: Float32Array, weight: Weight) => Float32Array | null;

/** Filters that norms.wat takes at a time. */
const LANES = 8;

interface NormsModule {
  norms(
    weights: number,
    rows: number,
    row: number,
    columns: number,
    column: number,
    offsets: number,
    positions: number,
    norms: number,
  ): void;
}

interface PackedNormsModule {
  packed(weights: number, rows: number, columns: number, positions: number, norms: number, planes: number): void;
}

/**
 * V8 compiles `packed` well only when it has run for a while, and it takes longer until then: it is for kernels, or blocks of them, of so many bytes,
 * in models of which so many were summed up already.
 */
const LARGE_BYTES = 512 * 1024;
const MANY_BYTES = 32 * 1024 * 1024;

const normsModule = webAssembly<NormsModule>(NORMS_WASM);
const packedNormsModule = webAssembly<PackedNormsModule>(PACKED_NORMS_WASM);

/**
 * norms.wat on the memory that tensors are read into: cold JavaScript takes six times as long for a model that is read once.
 * @param many bytes after which packed-norms.wat is worth its start
 */
export function normsInPlace({ memory }: ReusableBuffer, many = MANY_BYTES): NormsInPlace | null {
  if (memory === null) return null;
  const { norms } = normsModule(memory);
  let seen = 0;
  return (data, weight) => {
    if (data.buffer !== memory.buffer) return null;
    const isPacked = seen >= many && suitsPacked(weight);
    seen += data.byteLength;
    const { outCount, outStride, inCount, inStride, kernelOffsets } = weight;
    const rows = outCount - (outCount % LANES);
    const behind = behindWeights(data, kernelOffsets, 4 * rows + bytesOfPlanes(weight, isPacked), memory);
    if (behind === null) return null;
    const { offsets, results } = behind;
    const { length: positions } = kernelOffsets;
    if (isPacked)
      packedNormsModule(memory).packed(data.byteOffset, rows, inCount, positions, results, results + 4 * rows);
    else norms(data.byteOffset, rows, 4 * outStride, inCount, 4 * inStride, offsets, positions, results);
    const values = new Float32Array(outCount);
    values.set(new Float32Array(memory.buffer, results, rows));
    for (let filter = rows; filter < outCount; filter++) values[filter] = normOf(data, weight, filter);
    return values;
  };
}

/** How many bytes norms.wat needs behind a kernel. */
export function roomForNorms(weight: Weight): number {
  return roomBehindWeights(weight.kernelOffsets, 4 * weight.outCount + bytesOfPlanes(weight, suitsPacked(weight)));
}

/** What `packed` keeps meanwhile. */
function bytesOfPlanes({ inCount, kernelOffsets }: Weight, isPacked: boolean): number {
  return isPacked && kernelOffsets.length >= 4 ? 96 * inCount : 0;
}

/** Whether `packed` may sum a kernel up, and is quicker: a large one, laid out as (out, in, kh, kw) with nothing between. */
function suitsPacked({ outCount, outStride, inCount, inStride, kernelOffsets }: Weight): boolean {
  const { length: positions } = kernelOffsets;
  const isLarge = outCount >= LANES && 4 * outCount * outStride >= LARGE_BYTES;
  const isDense = inStride === positions && outStride === inCount * positions;
  return isLarge && isDense && kernelOffsets.every((at, k) => at === k);
}

/**
 * L2 norm of each filter in float32, every square and every sum rounded, over (kh, kw, in) in that order.
 * @param inPlace where the kernel may lie in WebAssembly's memory
 */
export function float32Norms(data: Float32Array, weight: Weight, inPlace: NormsInPlace | null): Float32Array {
  return (
    inPlace?.(data, weight) ??
    Float32Array.from({ length: weight.outCount }, (_, filter) => normOf(data, weight, filter))
  );
}

function normOf(data: Float32Array, weight: Weight, filter: number): number {
  const { outStride, inCount, inStride, kernelOffsets } = weight;
  let sum = Math.fround(0);
  for (let k = 0; k < kernelOffsets.length; k++) {
    let at = filter * outStride + kernelOffsets[k]!;
    for (let i = 0; i < inCount; i++, at += inStride) {
      const w = data[at]!;
      sum = Math.fround(sum + Math.fround(w * w));
    }
  }
  return Math.sqrt(sum);
}
