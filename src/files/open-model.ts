import { type OnnxModel, readModel } from '../onnx/index.ts';
import { filesBeside } from './beside.ts';
import { openRegularFile } from './regular-file.ts';

/** An open model file. `model` reads its tensors from it while it is open. */
export interface ModelFile {
  readonly model: OnnxModel;
  /** SHA-256 of the model file in lowercase hex; external data files are not part of it. */
  sha256(): string;
  /** Closes the file; nothing may be read after it. */
  close(): void;
}

/**
 * Opens an ONNX model and reads its header. Close what it returns.
 *
 * @param path of a file in ModelProto's binary form, of any size.
 * @throws InputError for a file that is missing, unreadable, not ONNX, damaged or hostile.
 */
export function openModel(path: string): ModelFile {
  const file = openRegularFile(path);
  const beside = filesBeside(path);
  const close = (): void => {
    beside.close();
    file.close();
  };
  try {
    return { model: readModel({ ...file, beside }), sha256: file.sha256, close };
  } catch (error) {
    close();
    throw error;
  }
}
