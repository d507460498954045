import type { NamedBytes } from '../bytes/index.ts';
import { InputError } from '../errors/input-error.ts';
import { bytesOfType, type Elements, type ElementType, viewElements } from './elements.ts';
import { isZip, unzip } from './zip.ts';

/** An array as numpy.save writes it (numpy/lib/format.py), in C order. */
export interface NumpyArray {
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly elements: Elements;
}

/** numpy's type strings; a byte has no order. */
const TYPES: Readonly<Record<string, ElementType>> = {
  '<f4': 'float32',
  '<f8': 'float64',
  '<f2': 'float16',
  '|i1': 'int8',
  '|u1': 'uint8',
  '<i2': 'int16',
  '<u2': 'uint16',
  '<i4': 'int32',
  '<u4': 'uint32',
  '<i8': 'int64',
  '<u8': 'uint64',
  '|b1': 'bool',
};

/** numpy reads no longer headers either (numpy/lib/format.py, _MAX_HEADER_SIZE). */
const MAX_HEADER_BYTES = 10_000;

/** Whether a file begins as numpy.save or numpy.savez writes it. */
export function isNumpy(bytes: Uint8Array): boolean {
  return isZip(bytes) || isArray(bytes);
}

/** \x93NUMPY, and room for a header. */
function isArray(bytes: Uint8Array): boolean {
  return bytes.length > 12 && MAGIC.every((byte, k) => bytes[k] === byte);
}

/**
 * The arrays of a .npz file by name, or the only one of a .npy file under no name.
 * @param limit bytes that all arrays may have together
 * @throws InputError that names the file and the array, for what is no such file or holds what cannot be read
 */
export function numpyArrays(file: NamedBytes, limit: number): ReadonlyMap<string | null, NumpyArray> {
  if (!isZip(file.bytes)) return new Map([[null, arrayIn(file.name, null, file.bytes)]]);
  const arrays = [...unzip(file, SUFFIX, limit)].map(([name, bytes]) => {
    const key = name.slice(0, -SUFFIX.length);
    return [key, arrayIn(file.name, key, bytes)] as const;
  });
  if (arrays.length === 0) throw new InputError('holds no arrays: save them with numpy.savez', { file: file.name });
  return new Map(arrays);
}

const SUFFIX = '.npy';
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

const HEADER = /^\{'descr': '([^']{1,8})', 'fortran_order': (True|False), 'shape': \(([0-9, ]*)\), ?\}\s*$/;

/** Magic, version, header length of two or (from version 2) four bytes, header as a Python literal, elements. */
function arrayIn(file: string, key: string | null, bytes: Uint8Array): NumpyArray {
  const fail = (problem: string, value?: unknown): InputError =>
    new InputError(problem, {
      file,
      ...(key === null ? {} : { key }),
      ...(value === undefined ? {} : { value }),
    });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLong = bytes[6]! > 1;
  if (!isArray(bytes))
    throw fail('is no .npy or .npz file: save it with numpy.save, or with numpy.savez for several arrays');
  const start = isLong ? 12 : 10;
  const end = start + (isLong ? view.getUint32(8, true) : view.getUint16(8, true));
  if (end > Math.min(bytes.length, MAX_HEADER_BYTES)) throw fail('is a .npy file with a header that is cut off');
  const text = String.fromCharCode(...bytes.subarray(start, end));
  const [, descr = '', order, shape = ''] = HEADER.exec(text) ?? [];
  if (order === undefined) throw fail('is a .npy file with a header that is not understood', text.trim());
  const type = Object.hasOwn(TYPES, descr) ? TYPES[descr] : undefined;
  // Python objects stand in it as a pickle, which runs code of whoever wrote it when it is read (CWE-502).
  if (descr === '|O')
    throw fail('holds a pickle, which is never read: save plain numbers, as with numpy.asarray(x, "float32")');
  if (type === undefined) throw fail('holds elements of a type that models do not take', descr);
  const dims = shape.split(',').flatMap((size) => (size.trim() === '' ? [] : [Number(size)]));
  // The order of a vector's elements is one and the same.
  if (order === 'True' && dims.length > 1)
    throw fail('is stored in Fortran order: save numpy.ascontiguousarray(x) instead');
  const expected = dims.reduce((n, size) => n * size, 1) * bytesOfType(type);
  if (expected !== bytes.length - end)
    throw fail(`should hold ${expected} bytes of elements by its header`, bytes.length - end);
  return { type, dims, elements: viewElements(type, bytes.subarray(end)) };
}
