import { unzipSync } from 'fflate';
import { InputError } from '../../errors/input-error.ts';
import type { ScoresFile } from './spec.ts';

/** A score for each channel takes a few hundred kilobytes; what a file claims beyond this is no such thing (CWE-409). */
const MAX_BYTES = 256 * 1024 * 1024;

/** numpy pads headers of vectors to 64 or 128 bytes. */
const MAX_HEADER_BYTES = 1024;

const HEADER = /^\{'descr': '(<f[48])', 'fortran_order': (?:True|False), 'shape': \((\d+),?\), ?\}\s*$/;

/**
 * The vectors of a .npz file (numpy/lib/format.py) by name.
 * @throws InputError that names the file and the array, for what is no vector of float32 or float64
 */
export function readScoresFile({ path, at, read }: ScoresFile): ReadonlyMap<string, Float64Array> {
  const fail = (problem: string, array?: string): InputError =>
    new InputError(problem, { file: path, ...(array === undefined ? {} : { key: array }) });
  const { bytes } = read(path, MAX_BYTES, (problem) => fail(`${problem} (it is named at ${at.key ?? 'scores'})`));
  const vectors = new Map<string, Float64Array>();
  for (const [file, content] of Object.entries(unzipped(bytes, fail))) {
    const name = file.replace(/\.npy$/, '');
    vectors.set(
      name,
      vectorIn(content, (problem) => fail(problem, name)),
    );
  }
  if (vectors.size === 0) throw fail('holds no arrays: save it with numpy.savez(FILE, **{name: scores})');
  return vectors;
}

function unzipped(bytes: Uint8Array, fail: (problem: string) => InputError): Record<string, Uint8Array> {
  let total = 0;
  try {
    return unzipSync(bytes, {
      filter({ name, originalSize }) {
        total += originalSize;
        if (total > MAX_BYTES) throw fail(`holds more than ${MAX_BYTES} bytes`);
        return name.endsWith('.npy');
      },
    });
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw fail('is not a .npz file: save it with numpy.savez');
  }
}

/** Magic, version, length of the header in two bytes (four from version 2), the header, the elements. */
function vectorIn(bytes: Uint8Array, fail: (problem: string) => InputError): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || view.getUint32(0) !== 0x934e554d) throw fail('is not a numpy array');
  const start = bytes[6]! > 1 ? 12 : 10;
  const end = start + (bytes[6]! > 1 ? view.getUint32(8, true) : view.getUint16(8, true));
  const [, type, size] =
    HEADER.exec(String.fromCharCode(...bytes.subarray(start, Math.min(end, start + MAX_HEADER_BYTES)))) ?? [];
  if (type === undefined) throw fail('must be a vector of float32 or float64: one score for each channel of the root');
  const width = type === '<f4' ? 4 : 8;
  const count = Number(size);
  if (end + count * width !== bytes.length) throw fail('is cut off, or longer than its header says');
  return Float64Array.from({ length: count }, (_, k) =>
    width === 4 ? view.getFloat32(end + 4 * k, true) : view.getFloat64(end + 8 * k, true),
  );
}
