import type { TensorPair } from './protocol.ts';
import { magnitudesOf, slicesOf, type Tensor } from './slices.ts';
import { numbersOf } from './values.ts';

/**
 * How far a tensor of the dense model moves by rounding alone: by other kernels, which sum up in another order, and by inputs that
 * differ in their last bits. No number of ulps says so in advance. What flows in is rounded too, and a gate of a few channels
 * that nearly cancel, or the scores of a detection head near 1e-5, make of it a thousand times as much.
 */
export interface Rounding {
  /** Largest absolute difference in each channel that was kept. */
  readonly channels: Float64Array;
  /** The same in parts of a channel's magnitude, as it is in half of the channels: what a channel of few elements shows is chance. */
  readonly typical: number;
  /** Values that differ, and those that are finite in one run only. */
  readonly differing: number;
  readonly nonFinite: number;
}

/** @param others the same tensor of the same model, computed otherwise */
export function roundingOf(pair: TensorPair, dense: Tensor, others: readonly Tensor[]): Rounding {
  const slices = slicesOf(pair, dense.dims);
  const { channels, outer, inner, denseChannels } = slices;
  const a = numbersOf(dense.type, dense.data);
  const most = new Float64Array(channels.length);
  let [differing, nonFinite] = [0, 0];
  for (const other of others) {
    const b = numbersOf(other.type, other.data);
    let [count, infinite] = [0, 0];
    for (let to = 0; to < channels.length; to++) {
      for (let n = 0; n < outer; n++) {
        const start = (n * denseChannels + channels[to]!) * inner;
        for (let k = start; k < start + inner; k++) {
          const difference = Math.abs(a[k]! - b[k]!);
          if (difference === 0 || Object.is(a[k], b[k])) continue;
          count++;
          if (!Number.isFinite(difference)) infinite++;
          else if (difference > most[to]!) most[to] = difference;
        }
      }
    }
    differing = Math.max(differing, count);
    nonFinite = Math.max(nonFinite, infinite);
  }
  const magnitudes = magnitudesOf(slices, a);
  return { channels: most, typical: median(most.map((one, k) => one / magnitudes[k]!)), differing, nonFinite };
}

/** Of the numbers among values: a channel of zeros has no magnitude. */
function median(values: Float64Array): number {
  const sorted = values.filter(Number.isFinite).sort();
  return sorted[sorted.length >> 1] ?? 0;
}
