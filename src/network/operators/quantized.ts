import { type Carry, setOpaque } from '../walk.ts';
import type { Operator } from './operator.ts';
import { constantInput } from './producers.ts';

/** Integer arithmetic throughout: the weight is input `k`, and quantized. */
const quantized =
  (k: number): Carry =>
  (walk, node) => {
    constantInput(walk, node, k);
    setOpaque(walk, node);
  };

export const QUANTIZED: Readonly<Record<string, Operator>> = {
  QLinearConv: { carry: quantized(3) },
  QLinearMatMul: { carry: quantized(3) },
  ConvInteger: { carry: quantized(1) },
  MatMulInteger: { carry: quantized(1) },
};
