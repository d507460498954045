import type { ReusableBuffer } from '../../../bytes/index.ts';
import type { Weight } from '../../../network/index.ts';
import { toFloat64 } from '../../../onnx/index.ts';
import type { Stat } from './importance.ts';

/** L1 norms: what many other pruners rank by. */
export function l1Norms(weight: Weight, buffer: ReusableBuffer): Stat {
  return measured(
    weight,
    buffer,
    (sum, value) => sum + Math.abs(value),
    (sum) => sum,
  );
}

/** L2 norms summed in float64, as a script does that converts the weights first. */
export function float64Norms(weight: Weight, buffer: ReusableBuffer): Stat {
  return measured(weight, buffer, (sum, value) => sum + value * value, Math.sqrt);
}

function measured(
  weight: Weight,
  buffer: ReusableBuffer,
  add: (sum: number, value: number) => number,
  finish: (sum: number) => number,
): Stat {
  const data = toFloat64(weight.tensor.read(buffer));
  const { outCount, outStride, inCount, inStride, kernelOffsets } = weight;
  const values = Float64Array.from({ length: outCount }, (_, filter) => {
    let sum = 0;
    for (const offset of kernelOffsets)
      for (let i = 0; i < inCount; i++) sum = add(sum, data[filter * outStride + offset + i * inStride]!);
    return finish(sum);
  });
  return { values, error: 0 };
}
