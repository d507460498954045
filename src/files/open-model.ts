import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ByteSource, Refuse } from '../bytes/index.ts';
import { InputError } from '../errors/input-error.ts';
import {
  type Beside,
  externalLocations,
  largestTensor,
  type ModelSource,
  type OnnxModel,
  readModel,
} from '../onnx/index.ts';
import { filesBeside } from './beside.ts';
import { openRegularFile } from './regular-file.ts';

/** Hears what is read: of the model's file, or of one beside it by its location. */
export type OnRead = (location: string | null, position: number, length: number) => void;

/** An open model file. `model` reads its tensors from it while it is open. */
export interface ModelFile {
  readonly model: OnnxModel;
  /** SHA-256 of the model file in lowercase hex; external data files are not part of it. */
  sha256(): string;
  /** @throws InputError where it, or its external data, is not what was read any more */
  requireUnchanged(): void;
  /** Closes the file; nothing may be read after it. */
  close(): void;
}

export interface Opening {
  readonly onRead?: OnRead | null;
  /** Whether its SHA-256 will be asked for: tensors are hashed while they are read then. */
  readonly isHashed?: boolean;
}

/**
 * Opens an ONNX model and reads its header. Close what it returns.
 *
 * @param path of a file in ModelProto's binary form, of any size.
 * @throws InputError for a file that is missing, unreadable, not ONNX, damaged or hostile.
 */
export function openModel(path: string, { onRead = null, isHashed = false }: Opening = {}): ModelFile {
  const file = openRegularFile(path, 0, refusing(path));
  const beside = filesBeside(path);
  const close = (): void => {
    beside.close();
    file.close();
  };
  try {
    const requireUnchanged = (): void => {
      file.requireUnchanged();
      beside.requireUnchanged();
    };
    const source = { ...file, beside };
    const model = readModel(onRead === null ? source : heard(source, onRead));
    // Not the header, which jumps from tensor to tensor.
    if (isHashed) file.hashWhileRead(largestTensor(model));
    return { model, sha256: file.sha256, requireUnchanged, close };
  } catch (error) {
    close();
    throw error;
  }
}

function heard(source: ModelSource, onRead: OnRead): ModelSource {
  const of = <T extends ByteSource>(bytes: T, location: string | null): T => ({
    ...bytes,
    read(target, position, length) {
      bytes.read(target, position, length);
      onRead(location, position, length);
    },
  });
  const { beside } = source;
  const open: Beside['open'] = (location, refuse) => of(beside.open(location, refuse), location);
  return { ...of(source, null), beside: { ...beside, open } };
}

function refusing(path: string): Refuse {
  return (problem) => {
    const isSavedModel = existsSync(join(path, 'saved_model.pb'));
    const what = isSavedModel ? 'is a TensorFlow SavedModel: export it to ONNX, as recipes/tao does' : problem;
    return new InputError(what, { file: path });
  };
}

/** The files of a model: its own, and those of its external data where it can be read. */
export function modelParts(path: string): readonly string[] {
  let file: ModelFile | null = null;
  try {
    file = openModel(path);
    return [path, ...externalLocations(file.model).map((location) => join(dirname(path), location))];
  } catch (error) {
    if (error instanceof InputError) return [path];
    throw error;
  } finally {
    file?.close();
  }
}
