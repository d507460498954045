import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { unzipSync } from 'fflate';
import { InputError } from '../errors/input-error.ts';
import { imageArrays, isImage } from './image-file.ts';
import type { ElementType } from './protocol.ts';
import { bytesOfType, type NumpyArray, viewElements } from './values.ts';

/** A file is untrusted input: it may come from a pull request (CWE-409, CWE-770). */
const MAX_FILE_BYTES = 1024 * 1024 * 1024;

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

/**
 * The arrays of a .npz file by name, the only one of a .npy file under no name, or a picture's in both layouts of a model's input.
 * @throws InputError that names the file, for one that is no such file or holds what cannot be read
 */
export function readArrays(path: string): ReadonlyMap<string | null, NumpyArray> {
  const bytes = readWhole(path);
  if (isZip(bytes)) return arraysIn(path, bytes);
  if (isImage(bytes)) return imageArrays(path, bytes);
  return new Map([[null, parse(path, null, bytes)]]);
}

function readWhole(path: string): Uint8Array {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    throw new InputError(`cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`, { file: path });
  }
  try {
    const { size } = fstatSync(descriptor);
    if (size > MAX_FILE_BYTES) throw tooLarge(path, size);
    return readFileSync(descriptor);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`, { file: path });
  } finally {
    closeSync(descriptor);
  }
}

function tooLarge(path: string, size: number): InputError {
  return new InputError(`must hold at most ${MAX_FILE_BYTES} bytes: give fewer samples`, { file: path, value: size });
}

/** PK\3\4, or PK\5\6 for an archive without files. */
function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] === 3 || bytes[2] === 5);
}

function arraysIn(path: string, bytes: Uint8Array): ReadonlyMap<string, NumpyArray> {
  let total = 0;
  const files = unzipped(path, () =>
    unzipSync(bytes, {
      filter: ({ name, originalSize }) => {
        if (!name.endsWith('.npy')) return false;
        total += originalSize;
        if (total > MAX_FILE_BYTES) throw tooLarge(path, total);
        return true;
      },
    }),
  );
  const arrays = Object.entries(files).map(([file, content]) => {
    const name = file.slice(0, -'.npy'.length);
    return [name, parse(path, name, content)] as const;
  });
  if (arrays.length === 0) throw new InputError('holds no arrays', { file: path });
  return new Map(arrays);
}

function unzipped<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`is not a readable .npz file: ${error instanceof Error ? error.message : String(error)}`, {
      file: path,
    });
  }
}

const HEADER = /^\{'descr': '([^']{1,8})', 'fortran_order': (True|False), 'shape': \(([0-9, ]*)\), ?\}\s*$/;

/** Magic, version, header length of two or (from version 2) four bytes, header as a Python literal, elements. */
function parse(file: string, key: string | null, bytes: Uint8Array): NumpyArray {
  const fail = (problem: string, value?: unknown): InputError =>
    new InputError(problem, {
      file,
      ...(key === null ? {} : { key }),
      ...(value === undefined ? {} : { value }),
    });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isNumpy = bytes.length > 12 && view.getUint32(0) === 0x934e554d && view.getUint16(4) === 0x5059;
  const isLong = bytes[6]! > 1;
  if (!isNumpy)
    throw fail('is no .npy or .npz file and no picture: save it with numpy.save or numpy.savez, as PNG or as JPEG');
  const start = isLong ? 12 : 10;
  const end = start + (isLong ? view.getUint32(8, true) : view.getUint16(8, true));
  const text = Buffer.from(bytes.subarray(start, Math.min(end, bytes.length))).toString('latin1');
  const [, descr = '', order, shape = ''] = HEADER.exec(text) ?? [];
  if (order === undefined) throw fail('is a .npy file with a header that is not understood', text.trim());
  const type = Object.hasOwn(TYPES, descr) ? TYPES[descr] : undefined;
  if (type === undefined) throw fail('holds elements of a type that models do not take', descr);
  if (order === 'True') throw fail('is stored in Fortran order: save numpy.ascontiguousarray(x) instead');
  const dims = shape.split(',').flatMap((size) => (size.trim() === '' ? [] : [Number(size)]));
  const expected = dims.reduce((n, size) => n * size, 1) * bytesOfType(type);
  if (expected !== bytes.length - end)
    throw fail(`should hold ${expected} bytes of elements by its header`, bytes.length - end);
  return { type, dims, elements: viewElements(type, bytes.subarray(end)) };
}
