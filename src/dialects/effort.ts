import type { Network } from '../network/index.ts';
import type { Hypothesis, Variant } from './types.ts';

/** What deciding over one filter takes, in weights that are read in the same time: measured on networks of 5,000 to 85,000 filters. */
const PER_FILTER = 200;

/** What ranking every layer once more takes, scores and norms being known. */
export function rankingEffort({ prunable }: Network): number {
  let filters = 0;
  for (const layer of prunable.values()) filters += layer.filters;
  return filters * PER_FILTER;
}

/** What reading every weight once more takes. */
export function readingEffort({ prunable }: Network): number {
  let weights = 0;
  for (const { weight } of prunable.values()) {
    if (weight === null || 'opaque' in weight) continue;
    weights += weight.outCount * weight.inCount * weight.kernelOffsets.length;
  }
  return weights;
}

/** One that says what it is before it is tried. */
export function hypothesis(work: number, cause: string, layers: () => Variant['layers']): Hypothesis {
  return { work, test: () => ({ cause, layers: layers() }) };
}
