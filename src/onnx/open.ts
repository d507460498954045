import { closeSync } from 'node:fs';
import { endianness } from 'node:os';
import { InputError } from '../config/errors.ts';
import { type ExternalReader, openExternalReader } from './external-file.ts';
import { openRegularFile, type RegularFile, type ReusableBuffer, reusableBuffer, sha256Of } from './file.ts';
import { foreignFormat } from './foreign-format.ts';
import type { OnnxModel, OnnxTensor } from './model.ts';
import { readModel } from './model-header.ts';
import { readTensorData } from './read-tensor.ts';
import type { TensorData } from './values.ts';

/** An open model file. `model` needs the file no more; tensors are read from it when asked for. */
export interface OnnxFile {
  readonly model: OnnxModel;
  /**
   * A tensor's elements. `tensor` must come from this model, or hold its bytes inline.
   *
   * @param reuse is filled and viewed instead of a new buffer: what it held before is gone.
   * @throws InputError for elements that are missing, too few or too many, of a type without a layout, or in an external
   * file that may not be read.
   */
  readTensor(tensor: OnnxTensor, reuse?: ReusableBuffer): TensorData;
  /** A buffer for whoever reads one tensor after another and keeps none: memory then stays at the largest of them. */
  readonly buffer: ReusableBuffer;
  /** The open file itself, for whoever copies from it. */
  source(): RegularFile;
  /** SHA-256 of the model file in lowercase hex; external data files are not part of it. */
  sha256(): string;
  /** Closes the file; nothing may be read after it. */
  close(): void;
}

/**
 * Opens an ONNX model and reads its header: graph, names, shapes, attributes and where each tensor's elements lie, in one
 * pass that skips the elements themselves. Close what it returns.
 *
 * @param path of a file in ModelProto's binary form, of any size.
 * @throws InputError for a file that is missing, unreadable, not ONNX, damaged or hostile.
 */
export function openModel(path: string): OnnxFile {
  if (endianness() !== 'LE') throw new InputError('ONNX files are read on little-endian machines only');
  const file = openRegularFile(path);
  try {
    return openFile(file);
  } catch (error) {
    closeSync(file.descriptor);
    throw error;
  }
}

function openFile(file: RegularFile): OnnxFile {
  const model = readOrExplain(file);
  const external: ExternalReader = openExternalReader(file.path);
  let open = true;
  const opened = <Value>(read: () => Value): Value => {
    // A closed descriptor's number may already be another file's.
    if (!open) throw new Error(`${file.path} is read after it was closed`);
    return read();
  };
  return {
    model,
    buffer: bufferForAll(model, file.size),
    readTensor: (tensor, reuse) => opened(() => readTensorData(file, external, tensor, reuse)),
    source: () => opened(() => file),
    sha256: () => opened(() => sha256Of(file)),
    close: () => {
      if (!open) return;
      open = false;
      external.close();
      closeSync(file.descriptor);
    },
  };
}

/** As large as the largest tensor in the file, so that it never grows. */
function bufferForAll(model: OnnxModel, fileSize: number): ReusableBuffer {
  let largest = 0;
  for (const { storage } of model.graph.initializers.values())
    if (storage.kind === 'raw') largest = Math.max(largest, storage.length);
  return reusableBuffer(Math.min(largest, fileSize));
}

/** A file of another kind fails somewhere as a ModelProto; what it is helps more than where. */
function readOrExplain(file: RegularFile): OnnxModel {
  try {
    return readModel(file);
  } catch (error) {
    const format = error instanceof InputError ? foreignFormat(file) : null;
    throw format === null ? error : new InputError(format, { file: file.path });
  }
}
