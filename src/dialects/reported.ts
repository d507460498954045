import { type JsonLimits, measureJson, type NamedBytes } from '../bytes/index.ts';
import { InputError } from '../errors/input-error.ts';
import { inputErrorAt, type Place } from '../errors/place.ts';
import type { RetainedIndices } from '../network/index.ts';
import { isNumpy } from '../tensor-files/index.ts';
import { retainedByMasks } from './masks.ts';

export interface ReportedCount {
  readonly filters: number;
  readonly retained: number;
}

/** What a pruner itself says that it retained. */
export interface Reported {
  readonly named: ReadonlyMap<string, RetainedIndices>;
  /** Rows of indices without a layer's name, in the order in which they were printed. */
  readonly rows: readonly RetainedIndices[];
  /** How many filters a layer had and retained, where only that is reported, by layer. */
  readonly counts?: ReadonlyMap<string, ReportedCount>;
  /** What could not be read of it, each as a noun: the layers concerned are not named. */
  readonly unread?: readonly string[];
}

/** A log with more bytes is cut off: the indices of a large model take a few hundred kilobytes. */
export const MAX_REPORTED_BYTES = 16 * 1024 * 1024;

/** Layers and their lists, or the steps of a history: a large model has a thousand layers. */
const LIMITS: JsonLimits = { depth: 16, containers: 200_000, keys: 200_000 };

/**
 * Reads reported indices: JSON `{layer: [indices]}`, a .npz of masks, or a log in which `readLog` finds them.
 * @param at where the file was named
 * @throws InputError for one that holds no indices, or more than any model has
 */
export function readReported(file: NamedBytes, at: Place, readLog: (text: string) => Reported): Reported {
  const { name: path, bytes } = file;
  if (isNumpy(bytes)) return { named: retainedByMasks(whole(file)), rows: [] };
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  // A log may begin with a bracket too, that of a printed array.
  const refuse = (problem: string): InputError => new InputError(problem, { file: path });
  const json = /^\s*[[{]/.test(text) ? measureJson(text, LIMITS, refuse) : null;
  const isMapping = json !== null && text.trimStart().startsWith('{');
  const reported = isMapping ? fromJson(text, path, json.keys) : readLog(text);
  if (
    reported.named.size === 0 &&
    reported.rows.length === 0 &&
    (reported.unread ?? []).length === 0 &&
    !reported.counts?.size
  )
    throw inputErrorAt(
      at,
      'holds no retained indices: give JSON {layer: [indices]}, a .npz of masks by layer, or a log that prints them',
      path,
    );
  return reported;
}

/** @throws InputError for a file that may be cut off */
function whole(file: NamedBytes): NamedBytes {
  if (file.bytes.length < MAX_REPORTED_BYTES) return file;
  const problem = `has more than ${MAX_REPORTED_BYTES} bytes: give a bool for each filter, as mask.flatten(1).any(1) of each layer`;
  throw new InputError(problem, { file: file.name });
}

function fromJson(text: string, path: string, keys: number): Reported {
  const named = new Map<string, RetainedIndices>();
  for (const [layer, indices] of Object.entries(parsed(text, path))) {
    const isList = Array.isArray(indices) && indices.every((index) => Number.isSafeInteger(index) && index >= 0);
    if (!isList)
      throw inputErrorAt(
        { file: path, line: lineOf(layer, text), key: layer },
        'must be a list of filter indices',
        indices,
      );
    named.set(layer, sorted(indices as number[]));
  }
  // A list holds no keys, so every key of the text is a layer.
  if (keys > named.size) throw new InputError('names a layer twice', { file: path });
  return { named, rows: [] };
}

/** Not read as YAML, whose limits are those of a config: the indices of an EfficientDet-D0 alone are 100,000 tokens. */
function parsed(text: string, path: string): Record<string, unknown> {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InputError(`is not JSON: ${(error as SyntaxError).message}`, { file: path });
  }
}

function lineOf(layer: string, text: string): number | null {
  const at = text.indexOf(JSON.stringify(layer));
  return at < 0 ? null : text.slice(0, at).split('\n').length;
}

export function sorted(indices: readonly number[]): RetainedIndices {
  return [...indices].sort((a, b) => a - b);
}
