import { widenFloat16 } from '../../src/tensor-files/index.ts';
import type { GraphProto, TensorProto } from '../onnx/onnx_pb.generated.js';
import { rewrite } from './rewrite.ts';

/** What a converter makes of one float32: a name, the TensorProto type, and the bits. */
export interface Converter {
  readonly name: string;
  readonly dataType: number;
  bits(value: number): number | bigint;
}

/** All float16 from 0 to infinity, which takes the place that 65536 would have. */
const HALVES = Array.from(widenFloat16(Array.from({ length: 0x7c00 }, (_, bits) => bits))).concat(65_536);

/** The nearest float16, of two as near the one with even bits: looked for among all of them. */
export function nearestHalf(value: number): number {
  const size = Math.abs(value);
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  if (size >= 65_536) return sign | 0x7c00;
  let [low, high] = [0, 0x7c00];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (HALVES[middle]! <= size) low = middle;
    else high = middle;
  }
  const [below, above] = [size - HALVES[low]!, HALVES[high]! - size];
  return sign | (below < above || (below === above && low % 2 === 0) ? low : high);
}

/** onnxruntime/transformers/float16.py and onnxconverter_common/float16.py `convert_np_to_float16`. */
function bounded(least: number, most: number): (value: number) => number {
  return (value) => {
    const size = Math.abs(value);
    if (size === 0 || size === Number.POSITIVE_INFINITY) return nearestHalf(value);
    return nearestHalf(Math.sign(value) * (size < least ? least : size > most ? most : size));
  };
}

const float32Bits = (value: number): number => new Uint32Array(Float32Array.of(value).buffer)[0]!;

/** torch.bfloat16: of the two multiples of 2^16 around a float32's bits the nearer one, else the even one. */
function nearestBrain(value: number): number {
  const bits = float32Bits(value);
  const [low, rest] = [Math.floor(bits / 65_536), bits % 65_536];
  return rest > 32_768 || (rest === 32_768 && low % 2 === 1) ? low + 1 : low;
}

const WIDE = new DataView(new ArrayBuffer(8));

export const CONVERTERS = {
  half: { name: 'torch half()', dataType: 10, bits: nearestHalf },
  onnxruntime: {
    name: 'onnxruntime.transformers',
    dataType: 10,
    bits: bounded(Math.fround(5.96e-8), 65_504),
  },
  common: { name: 'onnxconverter_common', dataType: 10, bits: bounded(Math.fround(1e-7), 1e4) },
  brain: { name: 'torch bfloat16()', dataType: 16, bits: nearestBrain },
  cutBrain: { name: 'bfloat16 cut off', dataType: 16, bits: (value) => Math.floor(float32Bits(value) / 65_536) },
  double: {
    name: 'torch double()',
    dataType: 11,
    bits: (value) => {
      WIDE.setFloat64(0, value);
      return WIDE.getBigUint64(0);
    },
  },
} satisfies Record<string, Converter>;

/** Writes a model with its float32 constants converted, those of which `isConverted` says so. */
export function convertModel(
  from: string,
  to: string,
  converter: Converter,
  isConverted: (name: string) => boolean = () => true,
): string {
  return rewrite(from, to, (graph) => convertGraph(graph, converter, isConverted));
}

export function convertGraph(
  graph: GraphProto,
  converter: Converter,
  isConverted: (name: string) => boolean = () => true,
): void {
  for (const tensor of graph.initializer) if (isConverted(tensor.name)) convertTensor(tensor, converter);
  for (const node of graph.node)
    for (const { t } of node.attribute)
      if (t !== undefined && isConverted(node.output[0] ?? '')) convertTensor(t, converter);
}

function convertTensor(tensor: TensorProto, { dataType, bits }: Converter): void {
  if (tensor.dataType !== 1) return;
  const raw = Uint8Array.from(tensor.rawData);
  const values = raw.length > 0 ? new Float32Array(raw.buffer) : Float32Array.from(tensor.floatData);
  const converted = Array.from(values, bits);
  const array = dataType === 11 ? BigUint64Array.from(converted as bigint[]) : Uint16Array.from(converted as number[]);
  tensor.dataType = dataType;
  tensor.floatData = [];
  tensor.rawData = new Uint8Array(array.buffer);
}
