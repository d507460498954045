import { closeSync, mkdtempSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { ByteSource } from '../bytes/index.ts';
import { InputError } from '../errors/input-error.ts';
import { chunksOf, copyOf, externalLocations, type ModelEdits, type OnnxModel, type Piece } from '../onnx/index.ts';
import { makeFolder } from './make-folder.ts';
import { openModel } from './open-model.ts';
import { changedMeanwhile } from './regular-file.ts';
import { requireReplaceable, statsOf } from './write-file.ts';

/** What was written. */
export interface WrittenModel {
  readonly path: string;
  /** The file of its external data, where it has such. */
  readonly data: string | null;
  /** Bytes of both. */
  readonly bytes: number;
  /** @throws InputError where another file has taken the place of this one */
  requireInPlace(): void;
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
export function writeModel(model: OnnxModel, edits: ModelEdits, path: string): WrittenModel;
export function writeModel(
  model: OnnxModel,
  edits: ModelEdits,
  path: string,
  accept: (copy: OnnxModel) => boolean,
): WrittenModel | null;
export function writeModel(
  model: OnnxModel,
  edits: ModelEdits,
  path: string,
  accept: (copy: OnnxModel) => boolean = () => true,
): WrittenModel | null {
  const [folder, name] = [dirname(path), basename(path)];
  const copy = copyOf(model, edits, name);
  const parts = new Map<string, readonly Piece[]>([[name, copy.model]]);
  if (copy.data !== null) parts.set(copy.data.location, copy.data.pieces);
  let staging: string | null = null;
  try {
    refuseOverwriting(
      model,
      [...parts.keys()].map((part) => join(folder, part)),
    );
    makeFolder(folder);
    staging = mkdtempSync(join(folder, '.prunegate-'));
    for (const [part, content] of parts) writePieces(model.source, join(staging, part), content);
    if (!isAccepted(join(staging, name), accept)) return null;
    const own = statsOf(join(staging, name));
    // The data first: a model without its data is of no use, and the other way round does no harm.
    for (const part of [...parts.keys()].reverse()) renameSync(join(staging, part), join(folder, part));
    return {
      path,
      data: copy.data === null ? null : join(folder, copy.data.location),
      bytes: copy.bytes,
      requireInPlace() {
        const now = statsOf(path);
        if (now === null || now.ino !== own?.ino || now.dev !== own.dev) throw changedMeanwhile(path);
      },
    };
  } catch (error) {
    throw asInputError(error, path);
  } finally {
    if (staging !== null) rmSync(staging, { recursive: true, force: true });
  }
}

function isAccepted(path: string, accept: (copy: OnnxModel) => boolean): boolean {
  const copy = openModel(path);
  try {
    return accept(copy.model);
  } finally {
    copy.close();
  }
}

function writePieces(source: ByteSource, path: string, pieces: readonly Piece[]): void {
  const descriptor = openSync(path, 'wx');
  try {
    for (const chunk of chunksOf(source, pieces))
      for (let done = 0; done < chunk.length; ) done += writeSync(descriptor, chunk, done, chunk.length - done);
  } finally {
    closeSync(descriptor);
  }
}

/** The user's model and its data are never written to, under whatever name. */
function refuseOverwriting(model: OnnxModel, targets: readonly string[]): void {
  const { name } = model;
  const own = [name, ...externalLocations(model).map((location) => join(dirname(name), location))].map(statsOf);
  for (const target of targets) {
    const found = requireReplaceable(target);
    if (found !== null && own.some((other) => other?.ino === found.ino && other.dev === found.dev))
      throw new InputError('belongs to the model that is read: name another file to write', { file: target });
  }
}

function asInputError(error: unknown, file: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : null;
  return code === null ? error : new InputError(`cannot be written (${code})`, { file });
}
