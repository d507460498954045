import type { Weight } from '../../../network/index.ts';
import { type TensorData, toFloat64 } from '../../../onnx/index.ts';
import type { Stat } from './importance.ts';

/** L1 norms: what many other pruners rank by. */
export function l1Norms(data: TensorData, weight: Weight): Stat {
  return measured(
    data,
    weight,
    (sum, value) => sum + Math.abs(value),
    (sum) => sum,
  );
}

/** L2 norms summed in float64, as a script does that converts the weights first. */
export function float64Norms(data: TensorData, weight: Weight): Stat {
  return measured(data, weight, (sum, value) => sum + value * value, Math.sqrt);
}

function measured(
  data: TensorData,
  weight: Weight,
  add: (sum: number, value: number) => number,
  finish: (sum: number) => number,
): Stat {
  const elements = toFloat64(data);
  const { outCount, outStride, inCount, inStride, kernelOffsets } = weight;
  const values = Float64Array.from({ length: outCount }, (_, filter) => {
    let sum = 0;
    for (const offset of kernelOffsets)
      for (let i = 0; i < inCount; i++) sum = add(sum, elements[filter * outStride + offset + i * inStride]!);
    return finish(sum);
  });
  return { values, error: 0 };
}
