import type { Tolerance } from './protocol.ts';
import type { Provider } from './types.ts';

/**
 * Differences that count as rounding, as a share of a channel's magnitude. Both models do the same sums, one of them with
 * zeros in between, so only the order of additions differs; kernels choose it by the number of channels.
 */
export const TOLERANCES: Readonly<Record<Provider, Tolerance>> = {
  cpu: { float32: 5e-4, float64: 1e-10, float16: 2e-2 },
  cuda: { float32: 1e-3, float64: 1e-10, float16: 5e-2 },
  tensorrt: { float32: 1e-3, float64: 1e-10, float16: 5e-2 },
};
