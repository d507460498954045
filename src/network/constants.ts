import type { DType, OnnxNode, TensorData } from '../onnx/index.ts';
import { inlineTensor, isFloat, isHalf, narrowed, toFloat32, toFloat64, toIntegers } from '../onnx/index.ts';
import { type Dim, isKnown } from './channels.ts';
import type { Value } from './drafts.ts';
import {
  countOf,
  type Elements,
  floatsIn,
  INTEGERS,
  type Integers,
  isInteger,
  type Numbers,
  packed,
  stridedNumbers,
} from './numbers.ts';
import type { Operator, Pointwise } from './operators/operator.ts';
import { rowMajorStrides, stridedOffsets } from './strided.ts';
import { type TensorView, viewOf } from './tensor-view.ts';
import { attribute, input, isSignal, setOutput, type Walk } from './walk.ts';

/** Constants of up to this many elements are computed with (shapes, index tables, vectors of channels); larger ones are data. */
const MAX_ELEMENTS = 2 ** 16;

/** Elements that are computed over a whole model: chains of nodes that each double a tensor stop here (CWE-400). */
export const MAX_COMPUTED = 2 ** 22;

/**
 * Computes a node whose operands are known, before anything asks what they are: what exporters write as Constant, CastLike,
 * Expand or arithmetic is then a constant like a stored one. Sizes of tensors are computed with where they are known.
 * @returns false for a node that must be read as part of a layer, or that only lays out a stored constant anew
 */
export function computeNode(walk: Walk, node: OnnxNode, operator: Operator): boolean {
  const operands = node.inputs.map((_, k) => input(walk, node, k));
  const isOfSizes = operator.role === 'sizes';
  // What is cast like a signal takes its type from it, and no element.
  const read = operator.casts === true ? operands.slice(0, 1) : operands;
  if (!isOfSizes && read.some(isSignal)) return false;
  const outputs = resultsOf(walk, node, operator);
  const isSized = isOfSizes || node.inputs.some((name) => walk.sized.has(name));
  for (const [k, name] of node.outputs.entries()) {
    if (name === '' || outputs === null) continue;
    walk.numbers.set(name, outputs[k] ?? null);
    if (isSized) walk.sized.add(name);
  }
  if (!isOfSizes && (outputs === null || outputs.some((numbers) => numbers === null))) return false;
  // A stored tensor that is only laid out anew stays a view of what is stored.
  if (operator.role === 'layout' && operands[0]?.kind === 'constant' && !isComputed(walk, operands[0])) return false;
  for (const [k, name] of node.outputs.entries()) {
    const numbers = outputs?.[k] ?? null;
    const tensor = numbers === null || isInexact(walk, node, operator, numbers) ? null : encoded(name, numbers);
    const fixed = { kind: 'fixed', shape: numbers?.dims ?? null, from: null } as const;
    setOutput(walk, node, tensor === null ? fixed : { kind: 'constant', view: viewOf(tensor) }, k);
  }
  return true;
}

/** Whether nodes made it, so that its elements lie in whatever order it had there: one exporter stacks, another transposes. */
function isComputed({ makers }: Walk, { view }: Extract<Value, { kind: 'constant' }>): boolean {
  const maker = makers.get(view.tensor.name);
  return maker !== undefined && maker.opType !== 'Constant';
}

/**
 * Whether elements in half precision were calculated: rounded step by step, they are not what a wider model's are when they are rounded
 * at the end. Those that are only moved, as the gates of a recurrent layer, are.
 */
function isInexact(walk: Walk, node: OnnxNode, { pointwise }: Operator, { dtype }: Numbers): boolean {
  if (!isHalf(dtype)) return false;
  const isOfInexact = node.inputs.some((name) => {
    const from = walk.values.get(name)?.kind === 'constant' ? null : numbersOf(walk, name);
    return from !== null && isHalf(from.dtype);
  });
  return pointwise !== undefined || isOfInexact;
}

function resultsOf(walk: Walk, node: OnnxNode, operator: Operator): readonly (Numbers | null)[] | null {
  const { evaluate, pointwise } = operator;
  const outputs = evaluate?.(walk, node) ?? (pointwise === undefined ? null : applied(walk, node, pointwise));
  for (const numbers of outputs ?? []) walk.computable -= numbers?.data.length ?? 0;
  const isTooMuch = outputs?.some((numbers) => numbers !== null && numbers.data.length > MAX_ELEMENTS);
  return walk.computable < 0 || isTooMuch || outputs === null
    ? null
    : outputs.map((numbers) => numbers && packed(numbers));
}

/** Floats as a tensor; null for integers, which are read as sizes and places, and for what is not wholly known. */
export function encoded(name: string, numbers: Numbers) {
  const { dtype, dims } = numbers;
  const floats = floatsIn(numbers);
  if (floats === null) return null;
  const bytes = new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
  return inlineTensor(
    name,
    dtype,
    dims,
    isHalf(dtype) ? narrowed({ dtype: 'float32', dims, bytes }, dtype).bytes : bytes,
  );
}

/** A small tensor's elements, constant or computed from sizes; null where they are not known. */
export function numbersOf(walk: Walk, name: string | undefined): Numbers | null {
  if (name === undefined || name === '') return null;
  const known = walk.numbers.get(name);
  if (known !== undefined) return known;
  const value = walk.values.get(name);
  if (value?.kind !== 'constant') return null;
  const numbers = readView(value.view);
  walk.numbers.set(name, numbers);
  return numbers;
}

/** A view's elements, row-major; null for too many, and for types that nobody computes with. */
export function readView({ tensor, dims, strides }: TensorView): Numbers | null {
  const { dtype } = tensor;
  const count = countOf(dims);
  if (count > MAX_ELEMENTS || tensor.elements > MAX_ELEMENTS) return null;
  if (!isFloat(dtype) && !INTEGERS.test(dtype)) return null;
  const stored = { dtype, dims: tensor.dims, data: elementsIn(tensor.read()) };
  const isStored = count === tensor.elements && rowMajorStrides(dims).every((stride, axis) => stride === strides[axis]);
  return packed(isStored ? { ...stored, dims } : stridedNumbers(stored, dims, strides));
}

function elementsIn(data: TensorData): Elements {
  if (!isFloat(data.dtype)) return toIntegers(data, 'saturate');
  return data.dtype === 'float64' ? toFloat64(data) : toFloat32(data);
}

/** A small integer tensor; null where nothing is known. */
export function integerTensorOf(walk: Walk, name: string | undefined): Integers | null {
  const numbers = numbersOf(walk, name);
  return numbers !== null && isInteger(numbers) ? numbers : null;
}

/** The elements of a small integer vector or scalar. */
export function integersOf(walk: Walk, name: string | undefined): readonly Dim[] | null {
  const integers = integerTensorOf(walk, name);
  return integers !== null && integers.dims.length <= 1 ? integers.data : null;
}

/** Integers that must all be known, from an input or (older operator sets) the attribute of the same meaning. */
export function integerList(
  walk: Walk,
  node: OnnxNode,
  inputAt: number,
  attributeName: string,
): readonly number[] | null {
  const fromAttribute = attribute(node, attributeName, 'ints');
  if (fromAttribute !== null) return fromAttribute;
  const values = integersOf(walk, node.inputs[inputAt]);
  return values !== null && isKnown(values) ? values : null;
}

/** A function of elements on known operands, broadcast (onnx/docs/Broadcasting.md). */
function applied(
  walk: Walk,
  node: OnnxNode,
  pointwise: NonNullable<Operator['pointwise']>,
): readonly (Numbers | null)[] | null {
  const operands = node.inputs.map((name) => numbersOf(walk, name));
  if (operands.length === 0 || operands.some((operand) => operand === null)) return null;
  const known = operands as readonly Numbers[];
  const apply = pointwise(node, known.every(isInteger));
  const dims = broadcastDims(known.map((operand) => operand.dims));
  if (apply === null || dims === null || countOf(dims) > MAX_ELEMENTS) return null;
  const dtype = resultType(node, known);
  return [{ dtype, dims, data: elementsOf(apply, known, dims, dtype) }];
}

/** Of tens of thousands of elements, so that nothing is made anew for each of them. */
function elementsOf(apply: Pointwise, operands: readonly Numbers[], dims: readonly number[], dtype: DType): Dim[] {
  const places = operands.map((operand) => placesIn(operand.dims, dims));
  const round = dtype === 'float32' ? Math.fround : (value: number): number => value;
  const values = operands.map(() => 0);
  const ofValues = calling(apply, values);
  const elements = new Array<Dim>(countOf(dims));
  for (let n = 0; n < elements.length; n++) {
    const result = readInto(values, n) ? ofValues() : null;
    elements[n] = result === null ? null : round(result);
  }
  return elements;

  /** Whether all operands of an element are known. */
  function readInto(target: number[], n: number): boolean {
    for (let k = 0; k < operands.length; k++) {
      const value = operands[k]!.data[places[k]!(n)] ?? null;
      if (value === null) return false;
      target[k] = value;
    }
    return true;
  }
}

/** A call with the values of the moment. To spread them would copy them for each element. */
function calling(apply: Pointwise, values: readonly number[]): () => number | null {
  switch (values.length) {
    case 1:
      return () => apply(values[0]!);
    case 2:
      return () => apply(values[0]!, values[1]!);
    case 3:
      return () => apply(values[0]!, values[1]!, values[2]!);
    default:
      return () => apply(...values);
  }
}

/** Where an operand has what it gives for each element of a result that it is broadcast to. */
function placesIn(own: readonly number[], dims: readonly number[]): (n: number) => number {
  const count = countOf(own);
  if (count === countOf(dims)) return (n) => n;
  if (count === 1) return () => 0;
  const offsets = stridedOffsets(dims, broadcastStrides(own, dims));
  return (n) => offsets[n]!;
}

const COMPARISONS = /^(Equal|Greater|Less|GreaterOrEqual|LessOrEqual|And|Or|Xor|Not|IsNaN|IsInf)$/;

function resultType({ opType }: OnnxNode, operands: readonly Numbers[]): DType {
  if (COMPARISONS.test(opType)) return 'bool';
  return (operands[opType === 'Where' ? 1 : 0] ?? operands[0]!).dtype;
}

/** null where the operands do not broadcast. */
export function broadcastDims(shapes: readonly (readonly number[])[]): number[] | null {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const dims: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const sizes = new Set(shapes.map((shape) => shape[axis - rank + shape.length] ?? 1).filter((size) => size !== 1));
    if (sizes.size > 1) return null;
    dims.push([...sizes][0] ?? 1);
  }
  return dims;
}

/** Strides over a row-major operand that broadcasting repeats: 0 along what is repeated. */
export function broadcastStrides(own: readonly number[], dims: readonly number[]): number[] {
  const missing = dims.length - own.length;
  let stride = 1;
  const strides = new Array<number>(dims.length).fill(0);
  for (let axis = own.length - 1; axis >= 0; axis--) {
    strides[axis + missing] = own[axis] === 1 ? 0 : stride;
    stride *= own[axis]!;
  }
  return strides;
}
