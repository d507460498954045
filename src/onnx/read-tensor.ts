import { bufferFor, type Refuse, type ReusableBuffer } from '../bytes/index.ts';
import { InputError, shown } from '../errors/input-error.ts';
import { bytesOf } from './dtype.ts';
import type { OnnxTensor, TensorData, TensorStorage } from './model.ts';
import type { ModelSource } from './model-source.ts';
import { tensorKey } from './tensor-key.ts';
import { decodeTyped } from './typed-data.ts';

/**
 * Reads a tensor's elements from where its header says they lie.
 *
 * @throws InputError naming the tensor.
 */
export function readTensorData(source: ModelSource, tensor: OnnxTensor, reuse: ReusableBuffer | undefined): TensorData {
  const { dtype, dims, storage, elements } = tensor;
  const key = tensorKey(tensor.name);
  const expected = bytesOf(dtype, elements);
  if (expected === null) {
    throw new InputError(
      dtype === 'unknown' ? 'has an element type that is not known' : `has ${dtype} elements, which are not read`,
      {
        file: source.name,
        key,
      },
    );
  }
  return { dtype, dims, bytes: expected === 0 ? new Uint8Array(0) : bytesFrom(storage) };

  function bytesFrom(storage: OnnxTensor['storage']): Uint8Array {
    switch (storage.kind) {
      case 'raw': {
        const bytes = bufferFor(expected!, source.name, key, reuse);
        source.read(bytes, storage.offset, expected!);
        return bytes;
      }
      case 'typed':
        return decodeTyped(source, tensor, storage);
      case 'external':
        return readExternal(source, storage, expected!, key, reuse);
      case 'inline':
        return storage.bytes;
      case 'none':
        throw new InputError('has no data: export the model with its weights', { file: source.name, key });
    }
  }
}

/** @param expected bytes that the tensor's type and shape ask for */
function readExternal(
  { name, beside }: ModelSource,
  { location, offset }: Extract<TensorStorage, { kind: 'external' }>,
  expected: number,
  key: string,
  reuse: ReusableBuffer | undefined,
): Uint8Array {
  const refuse: Refuse = (problem) => {
    return new InputError(`keeps its data in ${shown(location)}, which ${problem}`, { file: name, key });
  };
  const data = beside.open(location, refuse);
  if (offset + expected > data.size) {
    throw new InputError(
      `needs bytes ${offset} to ${offset + expected} of ${shown(location)}, which has ${data.size}`,
      {
        file: name,
        key,
      },
    );
  }
  const bytes = bufferFor(expected, name, key, reuse);
  data.read(bytes, offset, expected);
  return bytes;
}
