import { allocate } from '../bytes/index.ts';
import { InputError } from '../errors/input-error.ts';
import { bytesOf, bytesPerElement } from './dtype.ts';
import type { DType, FieldRange, OnnxTensor, TensorStorage } from './model.ts';
import type { ModelSource } from './model-source.ts';
import { tensorKey } from './tensor-key.ts';
import { malformed, more, need, openWindow, seek, type Window } from './window.ts';
import { readHalves, readTag } from './wire.ts';

type TypedStorage = Extract<TensorStorage, { kind: 'typed' }>;

/** Fields of fixed-width entries, float_data and double_data: bytes and wire type of one entry (onnx.proto). */
const FIXED_FIELDS: ReadonlyMap<number, { readonly width: number; readonly wire: number }> = new Map([
  [4, { width: 4, wire: 5 }],
  [10, { width: 8, wire: 1 }],
]);

/** What an int32_data entry may be for a type narrower than it. Others wrap in some readers and saturate in others. */
const BOUNDS: Partial<Readonly<Record<DType, readonly [number, number]>>> = {
  bool: [0, 1],
  int8: [-0x80, 0x7f],
  uint8: [0, 0xff],
  int16: [-0x8000, 0x7fff],
  uint16: [0, 0xffff],
  float16: [0, 0xffff],
  bfloat16: [0, 0xffff],
};

/** The bits of a float8 or of packed small integers, which writers hold as a signed or an unsigned byte. */
const BYTE_BOUNDS: readonly [number, number] = [-0x80, 0xff];

/**
 * Elements of float_data, int32_data, int64_data, double_data or uint64_data in raw_data's layout.
 *
 * @throws InputError where they are not as many as the dimensions ask for, or do not fit the type.
 */
export function decodeTyped(source: ModelSource, tensor: OnnxTensor, storage: TypedStorage): Uint8Array {
  const fixed = FIXED_FIELDS.get(storage.field);
  return fixed === undefined ? decodeVarints(source, tensor, storage) : decodeFixed(source, tensor, storage, fixed);
}

function decodeFixed(
  source: ModelSource,
  tensor: OnnxTensor,
  storage: TypedStorage,
  { width, wire }: { readonly width: number; readonly wire: number },
): Uint8Array {
  const window = windowFor(source, storage.ranges);
  const expected = bytesOf(tensor.dtype, tensor.elements)!;
  const tagged = width + 1;
  const found = storage.ranges.reduce(
    (sum, { length, packed }) => sum + (packed ? length : (length / tagged) * width),
    0,
  );
  if (found !== expected) throw wrongCount(source, tensor);
  const bytes = allocate(expected, source.name, tensorKey(tensor.name));
  let at = 0;
  for (const range of storage.ranges) {
    if (range.packed) {
      source.read(bytes.subarray(at), range.offset, range.length);
      at += range.length;
      continue;
    }
    seek(window, range.offset, range.offset + range.length);
    while (more(window)) {
      expectTag(window, storage.field, wire);
      need(window, width);
      bytes.set(window.buffer.subarray(window.at, window.at + width), at);
      window.at += width;
      at += width;
    }
  }
  return bytes;
}

function decodeVarints(source: ModelSource, tensor: OnnxTensor, storage: TypedStorage): Uint8Array {
  const expected = bytesOf(tensor.dtype, tensor.elements)!;
  const width = Math.max(bytesPerElement(tensor.dtype), 1);
  // An entry takes at least one byte, so that a hostile shape cannot make us allocate much more than the file holds.
  const stored = storage.ranges.reduce((sum, { length }) => sum + length, 0);
  if (expected / width > stored) throw wrongCount(source, tensor);
  const bytes = allocate(expected, source.name, tensorKey(tensor.name));
  const store = storeOf(tensor, new DataView(bytes.buffer), source);
  const window = windowFor(source, storage.ranges);
  let at = 0;
  for (const range of storage.ranges) {
    seek(window, range.offset, range.offset + range.length);
    while (more(window)) {
      if (!range.packed) expectTag(window, storage.field, 0);
      const { low, high } = readHalves(window);
      if (at >= expected) throw wrongCount(source, tensor);
      store(at, low, high);
      at += width;
    }
  }
  if (at !== expected) throw wrongCount(source, tensor);
  return bytes;
}

/** Writes one entry, given as the signed halves of its varint, at a byte offset. */
function storeOf(
  { dtype, name }: OnnxTensor,
  into: DataView,
  source: ModelSource,
): (at: number, low: number, high: number) => void {
  const refuse = (value: number): InputError => {
    return new InputError(`has an element that ${dtype} cannot hold`, {
      file: source.name,
      key: tensorKey(name),
      value,
    });
  };
  if (dtype === 'int64' || dtype === 'uint64') {
    return (at, low, high) => {
      into.setInt32(at, low, true);
      into.setInt32(at + 4, high, true);
    };
  }
  if (dtype === 'int32') return (at, low) => into.setInt32(at, low, true);
  if (dtype === 'uint32') {
    return (at, low, high) => {
      if (high !== 0) throw refuse((high >>> 0) * 2 ** 32 + (low >>> 0));
      into.setInt32(at, low, true);
    };
  }
  const [least, most] = BOUNDS[dtype] ?? BYTE_BOUNDS;
  const narrow = bytesPerElement(dtype) === 2 ? into.setInt16.bind(into) : into.setInt8.bind(into);
  return (at, low) => {
    if (low < least || low > most) throw refuse(low);
    narrow(at, low, true);
  };
}

function expectTag(window: Window, field: number, wire: number): void {
  if (readTag(window) !== ((field << 3) | wire)) throw malformed(window, 'a tensor changed while it was read');
}

/** A window as large as the longest range, for reading one range after another. */
function windowFor(source: ModelSource, ranges: readonly FieldRange[]): Window {
  return openWindow(
    source,
    ranges.reduce((longest, { length }) => Math.max(longest, length), 0),
  );
}

function wrongCount(source: ModelSource, { name, dtype, dims }: OnnxTensor): InputError {
  return new InputError(`does not have as many elements as ${dtype} of shape [${dims.join(', ')}] takes`, {
    file: source.name,
    key: tensorKey(name),
  });
}
