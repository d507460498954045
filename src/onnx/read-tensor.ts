import { InputError } from '../config/errors.ts';
import { bytesOf } from './dtype.ts';
import type { ExternalReader } from './external-file.ts';
import { bufferFor, type RegularFile, type ReusableBuffer, readFully } from './file.ts';
import type { OnnxTensor } from './model.ts';
import { tensorKey } from './tensor-header.ts';
import { decodeTyped } from './typed-data.ts';
import type { TensorData } from './values.ts';

/**
 * Reads a tensor's elements from where its header says they lie.
 *
 * @throws InputError naming the tensor.
 */
export function readTensorData(
  file: RegularFile,
  external: ExternalReader,
  tensor: OnnxTensor,
  reuse?: ReusableBuffer,
): TensorData {
  const { dtype, dims, storage, elements } = tensor;
  const key = tensorKey(tensor.name);
  const expected = bytesOf(dtype, elements);
  if (expected === null) {
    throw new InputError(
      dtype === 'unknown' ? 'has an element type that is not known' : `has ${dtype} elements, which are not read`,
      {
        file: file.path,
        key,
      },
    );
  }
  return { dtype, dims, bytes: expected === 0 ? new Uint8Array(0) : bytesFrom(storage) };

  function bytesFrom(storage: OnnxTensor['storage']): Uint8Array {
    switch (storage.kind) {
      case 'raw': {
        const bytes = bufferFor(expected!, file.path, key, reuse);
        readFully(file, bytes, storage.offset, expected!);
        return bytes;
      }
      case 'typed':
        return decodeTyped(file, tensor, storage);
      case 'external':
        return external.read(storage, expected!, key, reuse);
      case 'inline':
        return aligned(storage.bytes);
      case 'none':
        throw new InputError('has no data: export the model with its weights', { file: file.path, key });
    }
  }
}

function aligned(bytes: Uint8Array): Uint8Array {
  return bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
}
