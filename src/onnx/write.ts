import {
  type BigIntStats,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { InputError } from '../config/errors.ts';
import type { ModelEdits } from './edits.ts';
import { type ExternalPlan, externalLocations, externalSink, inlineSink } from './element-sinks.ts';
import { readFully } from './file.ts';
import { COPY_CHUNK_BYTES, MAX_MODEL_BYTES } from './limits.ts';
import { type OnnxFile, openModel } from './open.ts';
import { lengthOf, type Piece } from './pieces.ts';
import { rewriteModel } from './rewrite-model.ts';

/** What was written. */
export interface WrittenModel {
  readonly path: string;
  /** The file of its external data, where it has such. */
  readonly data: string | null;
  /** Bytes of both. */
  readonly bytes: number;
}

/**
 * Writes a copy of a model in which some things are changed. All else is copied byte for byte, in small pieces, so that
 * memory stays near the largest tensor that changes. The same file and edits give the same bytes. Tensors with external
 * data keep it external, in one new file `<name>.data` beside the copy. Everything is written to a temporary folder
 * first: a model that is there is whole.
 *
 * @param path of the copy; its folder is made where it is missing
 * @param accept looks at the finished copy before it takes its name
 * @returns null where it was not accepted: then nothing is left of it
 * @throws InputError where it cannot be written, or would take the place of the model that is read or of its data
 */
export function writeModel(file: OnnxFile, edits: ModelEdits, path: string): WrittenModel;
export function writeModel(
  file: OnnxFile,
  edits: ModelEdits,
  path: string,
  accept: (copy: OnnxFile) => boolean,
): WrittenModel | null;
export function writeModel(
  file: OnnxFile,
  edits: ModelEdits,
  path: string,
  accept: (copy: OnnxFile) => boolean = () => true,
): WrittenModel | null {
  const [folder, name] = [dirname(path), basename(path)];
  const plan: ExternalPlan = { location: `${name}.data`, pieces: [], size: 0 };
  const pieces = rewriteModel(file.source(), file.model, edits, externalSink(file, plan));
  const parts = new Map<string, readonly Piece[]>([[name, pieces]]);
  if (plan.size > 0) parts.set(plan.location, plan.pieces);
  let staging: string | null = null;
  try {
    refuseOverwriting(
      file,
      [...parts.keys()].map((part) => join(folder, part)),
    );
    mkdirSync(folder, { recursive: true });
    staging = mkdtempSync(join(folder, '.prunegate-'));
    for (const [part, content] of parts) writePieces(file, join(staging, part), content);
    if (!isAccepted(join(staging, name), accept)) return null;
    // The data first: a model without its data is of no use, and the other way round does no harm.
    for (const part of [...parts.keys()].reverse()) renameSync(join(staging, part), join(folder, part));
  } catch (error) {
    throw asInputError(error, path);
  } finally {
    if (staging !== null) rmSync(staging, { recursive: true, force: true });
  }
  const data = plan.size > 0 ? join(folder, plan.location) : null;
  return { path, data, bytes: lengthOf(pieces) + plan.size };
}

function isAccepted(path: string, accept: (copy: OnnxFile) => boolean): boolean {
  const copy = openModel(path);
  try {
    return accept(copy);
  } finally {
    copy.close();
  }
}

/**
 * The bytes of the copy that `writeModel` would write, with external data taken into it.
 * @throws InputError for a model of 2 GiB or more, which no protobuf reader takes: write it to a file
 */
export function modelBytes(file: OnnxFile, edits: ModelEdits): Uint8Array {
  const pieces = rewriteModel(file.source(), file.model, edits, inlineSink(file));
  const length = lengthOf(pieces);
  if (length >= MAX_MODEL_BYTES) {
    throw new InputError(`takes ${length} bytes in one piece; ONNX models in memory hold less than 2 GiB`, {
      file: file.model.path,
    });
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunksOf(file, pieces)) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function writePieces(file: OnnxFile, path: string, pieces: readonly Piece[]): void {
  const descriptor = openSync(path, 'wx');
  try {
    for (const chunk of chunksOf(file, pieces))
      for (let done = 0; done < chunk.length; ) done += writeSync(descriptor, chunk, done, chunk.length - done);
  } finally {
    closeSync(descriptor);
  }
}

/** The bytes of pieces; a chunk lasts until the next is asked for. */
function* chunksOf(file: OnnxFile, pieces: readonly Piece[]): Generator<Uint8Array> {
  const buffer = new Uint8Array(COPY_CHUNK_BYTES);
  for (const piece of pieces) {
    if (piece.kind === 'bytes') yield piece.bytes;
    else if (piece.kind === 'made') yield* exactly(piece);
    else {
      for (let done = 0; done < piece.length; done += buffer.length) {
        const length = Math.min(buffer.length, piece.length - done);
        readFully(file.source(), buffer, piece.offset + done, length);
        yield buffer.subarray(0, length);
      }
    }
  }
}

/** Too few or too many bytes would shift all that follows. */
function* exactly({ length, what, chunks }: Extract<Piece, { kind: 'made' }>): Generator<Uint8Array> {
  let made = 0;
  for (const chunk of chunks()) {
    made += chunk.length;
    if (made > length) break;
    yield chunk;
  }
  if (made !== length) throw new Error(`${what}: ${made} bytes were made where ${length} belong`);
}

/** The user's model and its data are never written to, under whatever name. */
function refuseOverwriting(file: OnnxFile, targets: readonly string[]): void {
  const { stats, path } = file.source();
  const sources = [stats, ...externalLocations(file.model).map((location) => statsOf(join(dirname(path), location)))];
  for (const target of targets) {
    const found = statsOf(target);
    if (found === null) continue;
    if (found.isDirectory()) throw new InputError('is a directory: name the file to write', { file: target });
    if (sources.some((other) => other?.ino === found.ino && other.dev === found.dev)) {
      throw new InputError('belongs to the model that is read: name another file to write', { file: target });
    }
  }
}

function statsOf(path: string): BigIntStats | null {
  return statSync(path, { bigint: true, throwIfNoEntry: false }) ?? null;
}

function asInputError(error: unknown, file: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : null;
  return code === null ? error : new InputError(`cannot be written (${code})`, { file });
}
