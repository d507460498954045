import type { DType, OnnxAttribute, OnnxNode, OnnxTensor } from './model.ts';

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
    return inline(name, 'float32', [], floatBytes([attribute.value]));
  if (key === 'value_floats' && attribute.kind === 'floats') {
    return inline(name, 'float32', [attribute.value.length], floatBytes(attribute.value));
  }
  if (key === 'value_int' && attribute.kind === 'int') return inline(name, 'int64', [], intBytes([attribute.value]));
  if (key === 'value_ints' && attribute.kind === 'ints') {
    return inline(name, 'int64', [attribute.value.length], intBytes(attribute.value));
  }
  return null;
}

function inline(name: string, dtype: DType, dims: readonly number[], bytes: Uint8Array): OnnxTensor {
  return { name, dtype, dims, elements: dims[0] ?? 1, storage: { kind: 'inline', bytes } };
}

function floatBytes(values: readonly number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

function intBytes(values: readonly number[]): Uint8Array {
  return new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
}
