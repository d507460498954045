import type { OnnxNode } from '../onnx/index.ts';
import { pickedRange } from './ops-spatial.ts';
import type { Walk } from './walk.ts';
import { attribute, input, intAttribute, integerList, integersOf, shapeOf } from './walk.ts';

type Integers = readonly (number | null)[];

/**
 * Evaluates the integer arithmetic that exporters wrap around Reshape, Pad and Slice (Shape, Gather, Concat, ...), with null
 * for each element that hangs on a symbolic size.
 * @returns the elements of each output, or null for a node that is not such arithmetic
 */
export function evaluateIntegers(walk: Walk, node: OnnxNode): readonly Integers[] | null {
  const at = (k: number): Integers | null => integersOf(walk, node.inputs[k]);
  switch (node.opType) {
    case 'Shape': {
      const shape = shapeOf(input(walk, node, 0));
      if (shape === null) return null;
      return [shape.slice(attribute(node, 'start', 'int') ?? 0, attribute(node, 'end', 'int') ?? undefined)];
    }
    case 'Concat': {
      const parts = node.inputs.map((_, k) => at(k));
      return parts.every((part) => part !== null) ? [(parts as Integers[]).flat()] : null;
    }
    case 'Gather': {
      const [data, indices] = [at(0), at(1)];
      if (data === null || indices === null || intAttribute(node, 'axis', 0) !== 0) return null;
      return [indices.map((k) => (k === null ? null : (data[k < 0 ? k + data.length : k] ?? null)))];
    }
    case 'Slice': {
      const data = at(0);
      const starts = attribute(node, 'starts', 'ints') ?? at(1);
      const ends = attribute(node, 'ends', 'ints') ?? at(2);
      if (data === null || starts?.length !== 1 || ends?.length !== 1) return null;
      const range = pickedRange(data.length, starts[0]!, ends[0]!, node.inputs[4] ? (at(4)?.[0] ?? null) : 1);
      return range === null ? null : [range.map((k) => data[k]!)];
    }
    case 'Split': {
      const data = at(0);
      if (data === null) return null;
      const chunk = Math.ceil(data.length / node.outputs.length);
      const sizes = integerList(walk, node, 1, 'split') ?? node.outputs.map(() => chunk);
      let offset = 0;
      return sizes.map((size) => {
        offset += size;
        return data.slice(offset - size, offset);
      });
    }
    case 'ConstantOfShape': {
      const size = at(0);
      return size?.length === 1 && size[0] !== null && size[0]! <= 64 && !node.attributes.has('value')
        ? [new Array<number>(size[0]!).fill(0)]
        : null;
    }
    case 'Range': {
      const range = pickedRange(Number.MAX_SAFE_INTEGER, at(0)?.[0] ?? null, at(1)?.[0] ?? null, at(2)?.[0] ?? null);
      return range === null || range.length > 1024 ? null : [range];
    }
    case 'Reshape':
    case 'Cast':
    case 'Squeeze':
    case 'Unsqueeze':
    case 'Identity':
    case 'Transpose': {
      const data = at(0);
      return data === null ? null : [data];
    }
    case 'Neg':
      return map1(at(0), (a) => -a);
    case 'Floor':
    case 'Ceil':
    case 'Abs':
      return map1(at(0), node.opType === 'Abs' ? Math.abs : (a) => a);
    case 'Add':
      return map2(at(0), at(1), (a, b) => a + b);
    case 'Sub':
      return map2(at(0), at(1), (a, b) => a - b);
    case 'Mul':
      return map2(at(0), at(1), (a, b) => a * b);
    case 'Div':
      return map2(at(0), at(1), (a, b) => (b === 0 ? null : Math.trunc(a / b)));
    case 'Mod':
      return map2(at(0), at(1), (a, b) => (b === 0 ? null : ((a % b) + b) % b));
    case 'Max':
      return map2(at(0), at(1), Math.max);
    case 'Min':
      return map2(at(0), at(1), Math.min);
    default:
      return null;
  }
}

function map1(data: Integers | null, f: (a: number) => number): Integers[] | null {
  return data === null ? null : [data.map((a) => (a === null ? null : f(a)))];
}

function map2(a: Integers | null, b: Integers | null, f: (a: number, b: number) => number | null): Integers[] | null {
  if (a === null || b === null || (a.length !== b.length && a.length !== 1 && b.length !== 1)) return null;
  const size = Math.max(a.length, b.length);
  return [
    Array.from({ length: size }, (_, k) => {
      const x = a[a.length === 1 ? 0 : k] ?? null;
      const y = b[b.length === 1 ? 0 : k] ?? null;
      return x === null || y === null ? null : f(x, y);
    }),
  ];
}
