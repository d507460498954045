import type { Follower, FollowerRole } from '../../network/index.ts';
import { isFloat, toFloat64 } from '../../onnx/index.ts';

/** The value that leaves channels as they are: a bias of zeros is no bias. */
const NEUTRAL: Readonly<Partial<Record<FollowerRole, number>>> = { bias: 0, shift: 0, mean: 0, scale: 1, slope: 1 };

/** Whether a model computes the same without a follower, so that its absence elsewhere is no difference. */
export function isNeutral({ role, tensor }: Follower): boolean {
  const neutral = NEUTRAL[role];
  return neutral !== undefined && isFloat(tensor.dtype) && toFloat64(tensor.read()).every((value) => value === neutral);
}
