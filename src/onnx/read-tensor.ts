import { bufferFor, type Refuse, type ReusableBuffer } from '../bytes/index.ts';
import { InputError, shown } from '../errors/input-error.ts';
import { bytesOf, bytesPerElement } from './dtype.ts';
import type { OnnxTensor, TensorData, TensorStorage } from './model.ts';
import type { ModelSource } from './model-source.ts';
import { tensorKey } from './tensor-key.ts';
import { decodeTyped } from './typed-data.ts';

/** Elements that lie one behind another. */
export interface Stretch {
  readonly first: number;
  readonly count: number;
}

/** Whether a part of a tensor's elements can be read without the others. */
export function isReadInParts({ storage, dtype }: Pick<OnnxTensor, 'storage' | 'dtype'>): boolean {
  return (storage.kind === 'raw' || storage.kind === 'external') && bytesPerElement(dtype) >= 1;
}

/**
 * Reads a tensor's elements from where its header says they lie.
 * @param part those that are asked for, of one that is read in parts; all where null
 * @throws InputError naming the tensor.
 */
export function readTensorData(
  source: ModelSource,
  tensor: OnnxTensor,
  reuse: ReusableBuffer | undefined,
  part: Stretch | null = null,
): TensorData {
  const { dtype, storage, elements } = tensor;
  const dims = part === null ? tensor.dims : [part.count];
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
  const width = bytesPerElement(dtype);
  const asked = part === null ? { at: 0, bytes: expected } : { at: part.first * width, bytes: part.count * width };
  return { dtype, dims, bytes: asked.bytes === 0 ? new Uint8Array(0) : bytesFrom(storage) };

  function bytesFrom(storage: OnnxTensor['storage']): Uint8Array {
    switch (storage.kind) {
      case 'raw': {
        const bytes = bufferFor(asked.bytes, source.name, key, reuse);
        source.read(bytes, storage.offset + asked.at, asked.bytes);
        return bytes;
      }
      case 'typed':
        return decodeTyped(source, tensor, storage);
      case 'external':
        return readExternal(source, storage, { expected: expected!, ...asked }, key, reuse);
      case 'inline':
        return storage.bytes;
      case 'none':
        throw new InputError('has no data: export the model with its weights', { file: source.name, key });
    }
  }
}

/** @param wanted how many bytes the tensor's type and shape ask for, which of them are read, from where on and how many */
function readExternal(
  { name, beside }: ModelSource,
  { location, offset }: Extract<TensorStorage, { kind: 'external' }>,
  { expected, at, bytes: count }: { readonly expected: number; readonly at: number; readonly bytes: number },
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
  const bytes = bufferFor(count, name, key, reuse);
  data.read(bytes, offset + at, count);
  return bytes;
}
