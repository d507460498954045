import { aligned, bufferBehind } from '../../bytes/index.ts';

/** Where WebAssembly finds the positions of a kernel, and where its results may lie, in bytes of its memory. */
export interface BehindWeights {
  readonly offsets: number;
  readonly results: number;
}

/**
 * Writes a kernel's positions, in bytes, behind its weights, which lie in WebAssembly's memory.
 * @param bytes of the results
 * @returns null where there is no room
 */
export function behindWeights(
  weights: Float32Array,
  kernelOffsets: Int32Array,
  bytes: number,
  memory: WebAssembly.Memory,
): BehindWeights | null {
  const room = bufferBehind(weights, memory, sizeOf(kernelOffsets) + bytes);
  if (room === null) return null;
  const offsets = room.bytes.byteOffset;
  const inBytes = kernelOffsets.map((offset) => weights.BYTES_PER_ELEMENT * offset);
  new Int32Array(memory.buffer, offsets, inBytes.length).set(inBytes);
  return { offsets, results: offsets + sizeOf(kernelOffsets) };
}

/** How many bytes `behindWeights` needs at most, wherever the weights end. */
export function roomBehindWeights(kernelOffsets: Int32Array, bytes: number): number {
  return aligned(1) + sizeOf(kernelOffsets) + bytes;
}

function sizeOf(kernelOffsets: Int32Array): number {
  return aligned(kernelOffsets.byteLength);
}
