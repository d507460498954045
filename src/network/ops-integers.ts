import type { OnnxNode } from '../onnx/index.ts';
import { toIntegers } from '../onnx/index.ts';
import type { Dim } from './channels.ts';
import { resolveTarget } from './ops-layout.ts';
import { rangeOf } from './range.ts';
import type { Integers, Walk } from './walk.ts';
import {
  attribute,
  hasInput,
  input,
  intAttribute,
  integerList,
  integersOf,
  integerTensorOf,
  MAX_SHAPE_ELEMENTS,
  normalizeAxis,
  shapeOf,
} from './walk.ts';

/** TensorProto.DataType of int32, int64, uint32 and uint64: casting a shape to them changes nothing. */
const WHOLE = new Set([6, 7, 12, 13]);

/**
 * Evaluates the integer arithmetic that exporters wrap around Reshape, Pad and Slice (Shape, Gather, Concat, ...), with null
 * for each element that hangs on a symbolic size.
 * @returns each output; null for what is no longer an integer tensor, or for a node that is not such arithmetic
 */
export function evaluateIntegers(walk: Walk, node: OnnxNode): readonly (Integers | null)[] | null {
  const outputs = evaluate(walk, node);
  // A chain of Concats doubles its length with every node.
  return outputs?.some((output) => output !== null && output.data.length > MAX_SHAPE_ELEMENTS) ? null : outputs;
}

function evaluate(walk: Walk, node: OnnxNode): readonly (Integers | null)[] | null {
  const at = (k: number): Integers | null => integerTensorOf(walk, node.inputs[k]);
  switch (node.opType) {
    case 'Shape': {
      const shape = shapeOf(input(walk, node, 0));
      if (shape === null) return null;
      return vector(shape.slice(attribute(node, 'start', 'int') ?? 0, attribute(node, 'end', 'int') ?? undefined));
    }
    case 'Size': {
      const shape = shapeOf(input(walk, node, 0));
      return [{ dims: [], data: [shape?.reduce<Dim>((n, d) => (n === null || d === null ? null : n * d), 1) ?? null] }];
    }
    case 'Concat': {
      const parts = node.inputs.map((_, k) => integersOf(walk, node.inputs[k]));
      return parts.every((part) => part !== null) ? vector(parts.flat()) : null;
    }
    case 'Gather': {
      const [data, indices] = [integersOf(walk, node.inputs[0]), at(1)];
      if (data === null || indices === null || intAttribute(node, 'axis', 0) > 0) return null;
      const picked = indices.data.map((k) => (k === null ? null : (data[k < 0 ? k + data.length : k] ?? null)));
      return [{ dims: indices.dims, data: picked }];
    }
    case 'Slice':
      return sliceOf(walk, node, at(0));
    case 'Split': {
      const data = integersOf(walk, node.inputs[0]);
      const equal = data !== null && data.length % node.outputs.length === 0;
      const sizes =
        integerList(walk, node, 1, 'split') ??
        (equal && !hasInput(node, 1) ? node.outputs.map(() => data.length / node.outputs.length) : null);
      if (data === null || sizes === null || sizes.length !== node.outputs.length) return null;
      let offset = 0;
      return sizes.map((size) => {
        offset += size;
        return vector(data.slice(offset - size, offset))[0]!;
      });
    }
    case 'ConstantOfShape': {
      const dims = integersOf(walk, node.inputs[0]);
      const value = fillOf(node);
      if (dims === null || value === null || dims.some((size) => size === null || size < 0)) return null;
      const count = (dims as number[]).reduce((n, d) => n * d, 1);
      return count > MAX_SHAPE_ELEMENTS
        ? null
        : [{ dims: dims as number[], data: new Array<number>(count).fill(value) }];
    }
    case 'Range': {
      const [start = null, limit = null, delta = null] = [0, 1, 2].map((k) => at(k)?.data[0] ?? null);
      if (start === null || limit === null || delta === null || delta === 0) return null;
      const count = Math.max(0, Math.ceil((limit - start) / delta));
      return count > MAX_SHAPE_ELEMENTS ? null : vector(Array.from({ length: count }, (_, k) => start + k * delta));
    }
    case 'Reshape': {
      const [data, written] = [at(0), integersOf(walk, node.inputs[1])];
      const dims =
        data === null || written === null
          ? null
          : resolveTarget(data.dims, written, intAttribute(node, 'allowzero', 0) === 1);
      return data === null || dims === null ? null : reshaped(data, dims);
    }
    case 'Squeeze':
    case 'Unsqueeze': {
      const [data, axes] = [at(0), integerList(walk, node, 1, 'axes')];
      if (data === null || (axes === null && (node.opType === 'Unsqueeze' || hasInput(node, 1)))) return null;
      return reshaped(data, node.opType === 'Squeeze' ? squeezed(data.dims, axes) : unsqueezed(data.dims, axes!));
    }
    case 'Transpose': {
      const data = at(0);
      return data === null ? null : [transposed(data, attribute(node, 'perm', 'ints'))];
    }
    case 'Cast': {
      const data = at(0);
      return data === null ? null : [WHOLE.has(intAttribute(node, 'to', 0)) ? data : null];
    }
    case 'Identity': {
      const data = at(0);
      return data === null ? null : [data];
    }
    case 'Expand': {
      // Sizes of one leave a vector as it is; torch writes them around `bias.expand`.
      const [data, sizes] = [at(0), integersOf(walk, node.inputs[1])];
      return data !== null && data.dims.length === 1 && sizes?.length === 1 && sizes[0] === 1 ? [data] : null;
    }
    default:
      return arithmetic(node, at);
  }
}

function arithmetic(node: OnnxNode, at: (k: number) => Integers | null): readonly (Integers | null)[] | null {
  const f = ARITHMETIC.get(node.opType);
  if (f === undefined || node.inputs.length > 2) return null;
  const [a, b] = [at(0), node.inputs.length === 1 ? { dims: [], data: [0] } : at(1)];
  if (a === null || b === null) return null;
  const longer =
    b.dims.length > a.dims.length || (b.dims.length === a.dims.length && b.data.length > a.data.length) ? b : a;
  const fits = [a, b].every((side) => side.data.length === 1 || side.dims.join() === longer.dims.join());
  if (!fits) return null;
  const data = longer.data.map((_, k) => {
    const x = a.data[a.data.length === 1 ? 0 : k] ?? null;
    const y = b.data[b.data.length === 1 ? 0 : k] ?? null;
    return x === null || y === null ? null : f(x, y);
  });
  return [{ dims: longer.dims, data }];
}

const ARITHMETIC: ReadonlyMap<string, (a: number, b: number) => number | null> = new Map([
  ['Neg', (a) => -a],
  ['Abs', Math.abs],
  ['Add', (a, b) => a + b],
  ['Sub', (a, b) => a - b],
  ['Mul', (a, b) => a * b],
  ['Div', (a, b) => (b === 0 ? null : Math.trunc(a / b))],
  ['Mod', (a, b) => (b === 0 ? null : ((a % b) + b) % b)],
  ['Max', Math.max],
  ['Min', Math.min],
] as [string, (a: number, b: number) => number | null][]);

function vector(data: readonly Dim[]): [Integers] {
  return [{ dims: [data.length], data }];
}

function reshaped({ data }: Integers, dims: readonly Dim[]): [Integers] | null {
  const count = dims.reduce<Dim>((n, d) => (n === null || d === null ? null : n * d), 1);
  return count === data.length ? [{ dims: dims as number[], data }] : null;
}

function squeezed(dims: readonly number[], axes: readonly number[] | null): number[] {
  const drop = axes?.map((axis) => normalizeAxis(axis, dims.length));
  return dims.filter((size, axis) => (drop === undefined ? size !== 1 : !drop.includes(axis)));
}

function unsqueezed(dims: readonly number[], axes: readonly number[]): number[] {
  const rank = dims.length + axes.length;
  const added = new Set(axes.map((axis) => normalizeAxis(axis, rank)));
  const rest = [...dims];
  return Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : (rest.shift() ?? 0)));
}

function transposed({ dims, data }: Integers, given: readonly number[] | null): Integers | null {
  const perm = given ?? dims.map((_, k) => dims.length - 1 - k);
  if (perm.length !== dims.length || perm.some((axis) => dims[axis] === undefined)) return null;
  const sizes = perm.map((axis) => dims[axis]!);
  const stride = (axis: number): number => dims.slice(axis + 1).reduce((n, d) => n * d, 1);
  const picked = data.map((_, n) => {
    let rest = n;
    let offset = 0;
    for (let k = sizes.length - 1; k >= 0; k--) {
      offset += (rest % sizes[k]!) * stride(perm[k]!);
      rest = Math.floor(rest / sizes[k]!);
    }
    return data[offset] ?? null;
  });
  return { dims: sizes, data: picked };
}

/** Slice along one axis, as PyTorch's exporter reverses the pairs of a padding. */
function sliceOf(walk: Walk, node: OnnxNode, from: Integers | null): readonly Integers[] | null {
  const starts = attribute(node, 'starts', 'ints') ?? integersOf(walk, node.inputs[1]);
  const ends = attribute(node, 'ends', 'ints') ?? integersOf(walk, node.inputs[2]);
  const axes = integerList(walk, node, 3, 'axes') ?? (hasInput(node, 3) ? null : [0]);
  const steps = hasInput(node, 4) ? integersOf(walk, node.inputs[4]) : [1];
  if (from === null || starts?.length !== 1 || ends?.length !== 1 || axes?.length !== 1) return null;
  const axis = normalizeAxis(axes[0]!, from.dims.length);
  const range = rangeOf(from.dims[axis] ?? null, starts[0]!, ends[0]!, steps?.[0] ?? null);
  if (range === null) return null;
  const inner = from.dims.slice(axis + 1).reduce((n, d) => n * d, 1);
  const block = from.dims[axis]! * inner;
  const data: Dim[] = [];
  for (let outer = 0; outer < from.data.length; outer += block) {
    for (let k = 0; k < range.count; k++) {
      const start = outer + (range.first + k * range.step) * inner;
      for (let n = start; n < start + inner; n++) data.push(from.data[n] ?? null);
    }
  }
  return [{ dims: from.dims.map((size, k) => (k === axis ? range.count : size)), data }];
}

/** What ConstantOfShape fills with; its default is zero. */
function fillOf(node: OnnxNode): number | null {
  const tensor = attribute(node, 'value', 'tensor');
  if (tensor === null) return node.attributes.has('value') ? null : 0;
  if (!/^int(32|64)$/.test(tensor.dtype) || tensor.elements !== 1) return null;
  return toIntegers(tensor.read(), 'saturate')[0] ?? null;
}
