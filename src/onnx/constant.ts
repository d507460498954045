import { bufferFor } from '../bytes/index.ts';
import type { DType, OnnxAttribute, OnnxNode, OnnxTensor } from './model.ts';
import { tensorKey } from './tensor-key.ts';

/**
 * The tensor that a Constant node stands for, or null for another node and for strings and sparse values. Scalars and lists
 * written as value_float, value_floats, value_int or value_ints become float32 or int64 tensors with inline bytes.
 */
export function constantTensor(node: OnnxNode): OnnxTensor | null {
  if (node.opType !== 'Constant' || node.domain !== '') return null;
  for (const [name, attribute] of node.attributes) {
    const tensor = tensorOf(name, attribute, node.outputs[0] ?? node.name);
    if (tensor !== null) return tensor;
  }
  return null;
}

function tensorOf(key: string, attribute: OnnxAttribute, name: string): OnnxTensor | null {
  if (key === 'value' && attribute.kind === 'tensor') return attribute.value;
  if (key === 'value_float' && attribute.kind === 'float')
    return inlineTensor(name, 'float32', [], floatBytes([attribute.value]));
  if (key === 'value_floats' && attribute.kind === 'floats') {
    return inlineTensor(name, 'float32', [attribute.value.length], floatBytes(attribute.value));
  }
  if (key === 'value_int' && attribute.kind === 'int')
    return inlineTensor(name, 'int64', [], intBytes([attribute.value]));
  if (key === 'value_ints' && attribute.kind === 'ints') {
    return inlineTensor(name, 'int64', [attribute.value.length], intBytes(attribute.value));
  }
  return null;
}

/** A tensor whose elements are at hand. @param bytes in raw_data's layout */
export function inlineTensor(name: string, dtype: DType, dims: readonly number[], bytes: Uint8Array): OnnxTensor {
  const own = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
  return {
    ...{ name, dtype, dims, elements: dims.reduce((n, size) => n * size, 1), storage: { kind: 'inline', bytes: own } },
    part: null,
    read(reuse) {
      if (reuse === undefined) return { dtype, dims, bytes: own };
      const copy = bufferFor(own.length, name, tensorKey(name), reuse);
      copy.set(own);
      return { dtype, dims, bytes: copy };
    },
  };
}

function floatBytes(values: readonly number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

function intBytes(values: readonly number[]): Uint8Array {
  return new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
}
