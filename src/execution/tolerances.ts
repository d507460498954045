import { type Network, weightTypes } from '../network/index.ts';
import type { Tolerance } from './protocol.ts';
import type { Provider } from './types.ts';

/**
 * Differences that count as rounding without a measurement, as a share of a channel's magnitude. Both models do the same sums, one of
 * them with zeros in between, so only the order of additions differs; kernels choose it by the number of channels. Most networks
 * stay below half of it; what goes beyond is compared with the dense model's own rounding (rounding.ts).
 */
export const TOLERANCES: Readonly<Record<Provider, Tolerance>> = {
  cpu: { float32: 2e-5, float64: 4e-14, float16: 2e-3 },
  cuda: { float32: 1e-3, float64: 1e-10, float16: 5e-2 },
  tensorrt: { float32: 1e-3, float64: 1e-10, float16: 5e-2 },
};

/**
 * The same where one model's weights were rounded to half precision and the other's were not: each differs by up to 0.05%, and layer
 * upon layer adds to that (0.17% in the outputs of a MobileNet v2). What goes beyond may be rounding all the same.
 */
const CONVERTED: Tolerance = { float32: 5e-2, float64: 5e-2, float16: 5e-2 };

/** Whether the weights of two networks are of different types. */
export function areConverted(dense: Network, pruned: Network): boolean {
  const [before, after] = [weightTypes(dense), weightTypes(pruned)];
  return before.size !== after.size || [...before].some((dtype) => !after.has(dtype));
}

export function toleranceOf(provider: Provider, isConverted: boolean): Tolerance {
  return isConverted ? CONVERTED : TOLERANCES[provider];
}
