import type { Refuse } from '../bytes/index.ts';
import { shown } from '../errors/input-error.ts';
import type { TensorStorage } from './model.ts';

/** Longer names cannot be opened anyway. */
const MAX_LOCATION_LENGTH = 4096;

/**
 * Reads TensorProto.external_data's keys (onnx.proto field 13): location, offset and length count; checksum, basepath and
 * unknown keys are ignored (CVE-2026-34445 was about keys that a reader set blindly). A key given twice is refused.
 *
 * @param refuse makes the error that names the tensor.
 */
export function parseExternalData(entries: readonly (readonly [string, string])[], refuse: Refuse): TensorStorage {
  const values = new Map<string, string>();
  for (const [key, value] of entries) {
    if (key !== 'location' && key !== 'offset' && key !== 'length') continue;
    if (values.has(key)) throw refuse(`has external data with two values for ${key}`);
    values.set(key, value);
  }
  const location = values.get('location') ?? '';
  const problem = locationProblem(location);
  if (problem !== null) {
    throw refuse(
      `keeps its data in ${shown(location)}, which ${problem}; only files in the model's own directory are read`,
    );
  }
  return {
    kind: 'external',
    location,
    offset: byteCount(values.get('offset') ?? '0', 'offset', refuse),
    length: values.has('length') ? byteCount(values.get('length') ?? '', 'length', refuse) : null,
  };
}

/**
 * Why a location may not be read, or null. Judged by its text alone and by the strictest platform's rules, so that a model
 * is accepted or refused alike everywhere (CVE-2022-25882, CVE-2024-27318).
 */
export function locationProblem(location: string): string | null {
  if (location === '') return 'is empty';
  if (location.length > MAX_LOCATION_LENGTH) return 'is too long';
  if (location.includes('\0')) return 'holds a NUL character';
  if (location.includes('\\')) return 'holds a backslash';
  if (location.startsWith('/')) return 'is an absolute path';
  // Further in, a colon is an ordinary character, and PyTorch's tensor names are full of them.
  if (/^[A-Za-z]:/.test(location)) return 'names a drive';
  const segments = location.split('/');
  if (segments.includes('..')) return "holds a '..'";
  if (segments.includes('')) return 'holds an empty segment';
  return null;
}

/** Decimal digits only: no sign, fraction, exponent or hex, all of which some reader takes for a number (CVE-2026-34445). */
function byteCount(text: string, key: string, refuse: Refuse): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw refuse(`has external data with an impossible ${key} (found ${shown(text)})`);
  return value;
}
