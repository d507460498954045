import type { Refuse, ReusableBuffer } from '../bytes/index.ts';
import { InputError } from '../errors/input-error.ts';
import { bytesOf, dtypeOf } from './dtype.ts';
import { parseExternalData } from './external-location.ts';
import { ENTRY_BYTES, OBJECT_BYTES } from './limits.ts';
import type { DType, FieldRange, OnnxTensor, Tensor, TensorData, TensorStorage } from './model.ts';
import type { ModelSource } from './model-source.ts';
import { isReadInParts, readTensorData, type Stretch } from './read-tensor.ts';
import { tensorKey } from './tensor-key.ts';
import { charge, more, position, skip, type Window } from './window.ts';
import {
  enter,
  entry,
  leave,
  readInt32,
  readInt64,
  readLength,
  readPacked,
  readString,
  readTag,
  skipField,
} from './wire.ts';

/** A TensorProto while its fields come in; a second occurrence of the message merges into the first. */
export interface TensorDraft {
  name: string;
  code: number;
  readonly dims: number[];
  raw: Extract<TensorStorage, { kind: 'raw' }> | null;
  typed: Map<number, FieldRange[]> | null;
  external: boolean;
  externalData: (readonly [string, string])[] | null;
}

/** Fields of TensorProto that hold elements (onnx.proto), by the name used in messages. */
const TYPED_FIELDS: ReadonlyMap<number, string> = new Map([
  [4, 'float_data'],
  [5, 'int32_data'],
  [7, 'int64_data'],
  [10, 'double_data'],
  [11, 'uint64_data'],
]);

/** The field that onnx.proto demands for a type's elements; int32_data holds whatever is not listed. */
const FIELD_OF: Partial<Readonly<Record<DType, number>>> = {
  float32: 4,
  complex64: 4,
  int64: 7,
  float64: 10,
  complex128: 10,
  uint32: 11,
  uint64: 11,
};

const INT32_DATA = 5;

const NO_STORAGE: TensorStorage = { kind: 'none' };

export function draftTensor(window: Window): TensorDraft {
  charge(window, OBJECT_BYTES);
  return { name: '', code: 0, dims: [], raw: null, typed: null, external: false, externalData: null };
}

/** Reads the next field, a TensorProto, into a draft. Elements are passed over; only where they lie is kept. */
export function readTensorHeader(window: Window, draft: TensorDraft): void {
  const outer = enter(window);
  while (more(window)) {
    const start = position(window);
    const tag = readTag(window);
    switch (tag) {
      case (1 << 3) | 0:
        draft.dims.push(entry(window, readInt64));
        break;
      case (1 << 3) | 2:
        readPacked(window, draft.dims, readInt64);
        break;
      case (2 << 3) | 0:
        draft.code = readInt32(window);
        break;
      case (8 << 3) | 2:
        draft.name = readString(window);
        break;
      case (9 << 3) | 2: {
        const length = readLength(window);
        draft.raw = { kind: 'raw', offset: position(window), length };
        skip(window, length);
        break;
      }
      case (13 << 3) | 2:
        draft.externalData ??= [];
        draft.externalData.push(readEntry(window));
        break;
      case (14 << 3) | 0:
        draft.external = readInt32(window) === 1;
        break;
      case (4 << 3) | 2:
      case (5 << 3) | 2:
      case (7 << 3) | 2:
      case (10 << 3) | 2:
      case (11 << 3) | 2: {
        const length = readLength(window);
        addRange(window, draft, tag >>> 3, { offset: position(window), length, packed: true });
        skip(window, length);
        break;
      }
      case (4 << 3) | 5:
      case (5 << 3) | 0:
      case (7 << 3) | 0:
      case (10 << 3) | 1:
      case (11 << 3) | 0:
        skipField(window, tag);
        addRange(window, draft, tag >>> 3, { offset: start, length: position(window) - start, packed: false });
        break;
      default:
        skipField(window, tag);
    }
  }
  leave(window, outer);
}

/** A StringStringEntryProto: 1 key, 2 value. */
export function readEntry(window: Window): readonly [string, string] {
  charge(window, OBJECT_BYTES);
  let key = '';
  let value = '';
  const outer = enter(window);
  while (more(window)) {
    const tag = readTag(window);
    if (tag === ((1 << 3) | 2)) key = readString(window);
    else if (tag === ((2 << 3) | 2)) value = readString(window);
    else skipField(window, tag);
  }
  leave(window, outer);
  return [key, value];
}

/** Unpacked elements that follow each other are one range: a range each would cost fifty times the file's size. */
function addRange(window: Window, draft: TensorDraft, field: number, range: FieldRange): void {
  if (range.length === 0) return;
  if (draft.typed === null) {
    charge(window, OBJECT_BYTES);
    draft.typed = new Map();
  }
  const ranges = draft.typed.get(field);
  const last = ranges?.at(-1);
  if (
    ranges !== undefined &&
    last !== undefined &&
    !last.packed &&
    !range.packed &&
    last.offset + last.length === range.offset
  ) {
    ranges[ranges.length - 1] = { offset: last.offset, length: last.length + range.length, packed: false };
    return;
  }
  charge(window, 4 * ENTRY_BYTES);
  if (ranges === undefined) draft.typed.set(field, [range]);
  else ranges.push(range);
}

/**
 * The finished header: dims are safe integers, there is one source of elements, and raw bytes are as many as dims ask for.
 *
 * @throws InputError naming the tensor.
 */
export function finishTensor(window: Window, draft: TensorDraft): OnnxTensor {
  const { name, dims } = draft;
  const refuse: Refuse = (problem) => new InputError(problem, { file: window.source.name, key: tensorKey(name) });
  const elements = elementsOf(dims, refuse);
  const dtype = dtypeOf(draft.code);
  const storage = storageOf(draft, dtype, refuse);
  const expected = bytesOf(dtype, elements);
  const length = storage.kind === 'raw' || storage.kind === 'external' ? storage.length : null;
  if (expected !== null && length !== null && expected !== length) {
    throw refuse(`has ${length} bytes of data, but ${dtype} of shape [${dims.join(', ')}] takes ${expected}`);
  }
  const { source } = window;
  const tensor: OnnxTensor = {
    ...{ name, dtype, dims, elements, storage },
    read: (reuse?: ReusableBuffer) => readTensorData(source, tensor, reuse),
    part: isReadInParts({ storage, dtype }) ? (first, count) => partOf(tensor, source, { first, count }) : null,
  };
  return tensor;
}

function partOf(tensor: OnnxTensor, source: ModelSource, stretch: Stretch): Tensor {
  const { name, dtype } = tensor;
  const read = (reuse?: ReusableBuffer): TensorData => readTensorData(source, tensor, reuse, stretch);
  return { name, dtype, dims: [stretch.count], elements: stretch.count, read, part: null };
}

/** The product of dims. A zero must not hide factors that overflow before it: some readers multiply in order (CWE-190). */
function elementsOf(dims: readonly number[], refuse: Refuse): number {
  let product = 1;
  let empty = false;
  for (const dim of dims) {
    if (!Number.isSafeInteger(dim) || dim < 0) throw refuse('has a negative or impossibly large dimension');
    if (dim === 0) empty = true;
    else product *= dim;
  }
  // 16 bytes, the largest element, keeps the size in bytes exact as well.
  if (product > Number.MAX_SAFE_INTEGER / 16) throw refuse('has more elements than can exist');
  return empty ? 0 : product;
}

function storageOf(draft: TensorDraft, dtype: DType, refuse: Refuse): TensorStorage {
  const { raw, typed, external } = draft;
  if (typed === null && !external) return raw ?? NO_STORAGE;
  const fields = [...(typed?.keys() ?? [])];
  const places = fields.map((field) => TYPED_FIELDS.get(field) ?? '');
  if (raw !== null && raw.length > 0) places.push('raw_data');
  if (external) places.push('external data');
  if (places.length > 1) {
    throw refuse(`has elements in ${places.join(' and ')}: readers would not agree which count`);
  }
  if (external) return parseExternalData(draft.externalData ?? [], refuse);
  const field = fields[0]!;
  if (bytesOf(dtype, 1) !== null && field !== (FIELD_OF[dtype] ?? INT32_DATA)) {
    throw refuse(`has ${dtype} elements in ${places[0]}, where they do not belong`);
  }
  return { kind: 'typed', field, ranges: typed!.get(field)! };
}
