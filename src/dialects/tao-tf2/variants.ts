import { type Folding, foldAll, type Network } from '../../network/index.ts';
import type { Variant } from '../types.ts';
import { expectTao } from './expect.ts';
import { readNorms } from './norms.ts';
import type { Criterion, Normalizer, TaoSpec } from './spec.ts';

const CRITERIA: readonly Criterion[] = ['union', 'intersection', 'arithmetic_mean', 'geometric_mean'];
const NORMALIZERS: readonly Normalizer[] = ['max', 'L2', 'off'];
const SIZES = [1, 2, 4, 8, 16, 32, 64] as const;

/**
 * What the pruner would have retained had it been run otherwise: the mistakes that people make, likeliest first. Each is
 * computed only when it is asked for.
 */
export function* taoVariants(network: Network, spec: TaoSpec, folding: Folding | null): Generator<Variant> {
  const norms = readNorms(network, folding);
  const variant = (cause: string, changed: Partial<TaoSpec>): Variant => ({
    cause,
    layers: expectTao(network, { ...spec, ...changed }, norms).layers,
  });

  const folded = foldAll(network);
  if (folded !== network) {
    yield {
      cause:
        'The kept filters are those that a ranking of the weights with BatchNorm folded in gives: were the norms taken from a folded export?',
      layers: expectTao(folded, spec, readNorms(folded, 'raw')).layers,
    };
  }
  for (const criterion of CRITERIA) {
    if (criterion !== spec.criterion)
      yield variant(
        `The kept filters are those of equalization_criterion ${criterion}; the spec says ${spec.criterion}.`,
        { criterion },
      );
  }
  if (spec.excludedLayers.size > 0)
    yield variant('The kept filters are those without the excluded_layers of the spec.', { excludedLayers: new Set() });
  for (const normalizer of NORMALIZERS) {
    if (normalizer !== spec.normalizer)
      yield variant(`The kept filters are those of normalizer ${normalizer}; the spec says ${spec.normalizer}.`, {
        normalizer,
      });
  }
  for (const granularity of SIZES) {
    if (granularity !== spec.granularity)
      yield variant(`The kept filters are those of granularity ${granularity}; the spec says ${spec.granularity}.`, {
        granularity,
      });
  }
  for (const minNumFilters of SIZES) {
    if (minNumFilters !== spec.minNumFilters)
      yield variant(
        `The kept filters are those of min_num_filters ${minNumFilters}; the spec says ${spec.minNumFilters}.`,
        { minNumFilters },
      );
  }
  for (const threshold of thresholds(spec)) {
    yield variant(`The kept filters are those of threshold ${threshold}; the spec says ${spec.threshold}.`, {
      threshold,
    });
  }
}

/** Round thresholds, nearest to the spec's first: twentieths, then hundredths, of what the normalizer makes of a norm. */
function thresholds(spec: TaoSpec): readonly number[] {
  const steps = (size: number): number[] =>
    Array.from({ length: Math.round(1 / size) }, (_, k) => Number(((k + 1) * size).toFixed(2)));
  const nearest = (values: readonly number[]): number[] =>
    [...values].sort((a, b) => Math.abs(a - spec.threshold) - Math.abs(b - spec.threshold));
  return [...new Set([...nearest(steps(0.05)), ...nearest(steps(0.01))])].filter(
    (threshold) => threshold !== spec.threshold,
  );
}
