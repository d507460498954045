import type { Weight } from '../../network/index.ts';
import { type OnnxFile, toFloat64 } from '../../onnx/index.ts';
import type { Stat } from './importance.ts';

/** L1 norms: what many other pruners rank by. */
export function l1Norms(file: OnnxFile, weight: Weight): Stat {
  return measured(
    file,
    weight,
    (sum, value) => sum + Math.abs(value),
    (sum) => sum,
  );
}

/** L2 norms summed in float64, as a script does that converts the weights first. */
export function float64Norms(file: OnnxFile, weight: Weight): Stat {
  return measured(file, weight, (sum, value) => sum + value * value, Math.sqrt);
}

function measured(
  file: OnnxFile,
  weight: Weight,
  add: (sum: number, value: number) => number,
  finish: (sum: number) => number,
): Stat {
  const data = toFloat64(file.readTensor(weight.tensor, file.buffer));
  const { outCount, outStride, inCount, inStride, kernelOffsets } = weight;
  const values = Float64Array.from({ length: outCount }, (_, filter) => {
    let sum = 0;
    for (const offset of kernelOffsets)
      for (let i = 0; i < inCount; i++) sum = add(sum, data[filter * outStride + offset + i * inStride]!);
    return finish(sum);
  });
  return { values, error: 0 };
}
