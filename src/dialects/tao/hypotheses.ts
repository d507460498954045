import { type Folding, foldAll, type RetainedIndices } from '../../network/index.ts';
import { listed } from '../../prose/index.ts';
import { hypothesis, rankingEffort, readingEffort } from '../effort.ts';
import { fileName } from '../file-name.ts';
import type { Hypothesis, Observed, Variant } from '../types.ts';
import { retainedBy } from './expect.ts';
import { withinWork } from './exploration/work.ts';
import { type Norms, ownStats, readNorms } from './norms/norms.ts';
import { float64Norms, l1Norms } from './norms/other-norms.ts';
import { prunedBy, type TaoRun } from './run.ts';
import { CRITERIA, type Normalizer, type TaoSpec } from './spec.ts';
import { fittingThreshold } from './threshold-search.ts';

const NORMALIZERS: readonly Normalizer[] = ['max', 'L2', 'off'];
const SIZES = [1, 2, 4, 8, 16, 32, 64] as const;

/** Excluded layers that are taken out one by one. */
const MAX_EXCLUSIONS = 256;

type Layers = Variant['layers'];

/**
 * What the pruner would have retained had it been run otherwise: the mistakes that people make, likeliest first.
 * @param run what the spec's own expectation was computed from
 * @param folding overrules the folding detector
 */
export function* taoHypotheses(run: TaoRun, folding: Folding | null, observed: Observed): Generator<Hypothesis> {
  // Of a model that takes so much to explore, only the likeliest mistakes are tried.
  for (const { work, test } of mistakes(run, folding, observed))
    yield { work: run.work.left < 0 ? Number.POSITIVE_INFINITY : work, test: () => withinWork(run.work, test) };
}

function* mistakes(run: TaoRun, folding: Folding | null, observed: Observed): Generator<Hypothesis> {
  const { network, spec, norms } = run;
  const ranking = rankingEffort(network);
  const reading = ranking + readingEffort(network);
  const under = (changed: Partial<TaoSpec>, measured: Norms = norms): Layers =>
    retainedBy({ ...run, spec: { ...spec, ...changed }, norms: measured });
  const changed = (cause: string, change: Partial<TaoSpec>): Hypothesis =>
    hypothesis(ranking, cause, () => under(change));
  const trial: Trial = { run, observed, ranking, under, changed };

  yield* namedSettings(trial);
  const folded = foldAll(network);
  if (folded !== network)
    yield hypothesis(
      reading,
      'The kept filters are those that a ranking of the weights with BatchNorm folded in gives: were the norms taken from a folded export?',
      () => retainedBy({ ...run, network: folded, norms: readNorms(folded, 'raw') }),
    );
  for (const criterion of CRITERIA)
    if (criterion !== spec.criterion)
      yield changed(other('equalization_criterion', criterion, spec.criterion), { criterion });
  yield* exclusions(trial);
  for (const normalizer of NORMALIZERS)
    if (normalizer !== spec.normalizer) yield changed(other('normalizer', normalizer, spec.normalizer), { normalizer });
  for (const granularity of SIZES)
    if (granularity !== spec.granularity)
      yield changed(other('granularity', granularity, spec.granularity), { granularity });
  for (const minNumFilters of SIZES)
    if (minNumFilters !== spec.minNumFilters)
      yield changed(other('min_num_filters', minNumFilters, spec.minNumFilters), { minNumFilters });
  yield* searchedThresholds(trial);
  yield* fractions(trial);
  yield hypothesis(
    reading,
    'The kept filters are those that L1 norms give, the pruner ranks by L2 norms: was another norm ranked than the pruner takes?',
    () => under({}, readNorms(network, folding, l1Norms)),
  );
  yield hypothesis(
    reading,
    'The kept filters are those that norms summed in float64 give; the pruner sums in float32, and some filters lie that near the cut.',
    () => under({}, readNorms(network, folding, float64Norms)),
  );
  for (const threshold of roundThresholds(spec))
    yield changed(other('threshold', threshold, spec.threshold), { threshold });
}

/** What hypotheses are made of. */
interface Trial {
  readonly run: TaoRun;
  readonly observed: Observed;
  /** What one ranking takes. */
  readonly ranking: number;
  under(changed: Partial<TaoSpec>): Layers;
  changed(cause: string, change: Partial<TaoSpec>): Hypothesis;
}

function other(key: string, value: string | number, own: string | number): string {
  return `The kept filters are those of ${key} ${value}; the spec says ${own}.`;
}

/** What the pruned file's own name says of the settings that made it. */
function* namedSettings({ run: { spec, rules }, observed: { prunedFile }, changed }: Trial): Generator<Hypothesis> {
  const { threshold, criterion } = rules.settingsInName(prunedFile);
  const named = { threshold: threshold ?? spec.threshold, criterion: criterion ?? spec.criterion };
  if (named.threshold === spec.threshold && named.criterion === spec.criterion) return;
  yield changed(
    `The kept filters are those of threshold ${named.threshold} and equalization_criterion ${named.criterion}, as the pruned file's name ${fileName(prunedFile)} says; the spec says ${spec.threshold} and ${spec.criterion}.`,
    named,
  );
}

function* exclusions({ run, observed, ranking, under, changed }: Trial): Generator<Hypothesis> {
  const { network, spec, rules } = run;
  if (spec.excludedLayers.size > 0)
    yield changed('The kept filters are those without the excluded_layers of the spec.', {
      excludedLayers: new Set(),
    });
  const excluded = spec.excludedList.filter((name) => network.prunable.has(name)).slice(0, MAX_EXCLUSIONS);
  for (const name of spec.excludedList.length > 1 ? excluded : [])
    yield changed(`The kept filters are those of excluded_layers without ${name}.`, {
      excludedLayers: new Set(spec.excludedList.filter((one) => one !== name)),
    });
  yield changed(`The kept filters are those of a run that does not exclude ${rules.builtIn}`, {
    builtInExclusions: () => new Set(),
  });
  yield {
    work: 2 * ranking,
    test: () => {
      const own = under({});
      const names = [...network.prunable.values()].flatMap(({ name, filters }) => {
        const isWhole = observed.actual(name)?.length === filters;
        return isWhole && (own.get(name)?.expected?.length ?? filters) < filters ? [name] : [];
      });
      if (names.length === 0) return null;
      return {
        cause: `The kept filters are those of a spec that also excludes ${listed(names, 3)}.`,
        layers: under({ excludedLayers: new Set([...spec.excludedLayers, ...names]) }),
      };
    },
  };
}

/** Thresholds that the number of filters in every layer leaves, under the spec and under one other change. */
function* searchedThresholds({ run, observed, ranking, under }: Trial): Generator<Hypothesis> {
  const { spec } = run;
  const changes: readonly { readonly what: string; readonly changed: Partial<TaoSpec> }[] = [
    { what: '', changed: {} },
    ...CRITERIA.filter((criterion) => criterion !== spec.criterion).map((criterion) => ({
      what: ` and equalization_criterion ${criterion}`,
      changed: { criterion },
    })),
    ...NORMALIZERS.filter((normalizer) => normalizer !== spec.normalizer).map((normalizer) => ({
      what: ` and normalizer ${normalizer}`,
      changed: { normalizer },
    })),
    ...SIZES.filter((size) => size !== spec.granularity).map((granularity) => ({
      what: ` and granularity ${granularity}`,
      changed: { granularity },
    })),
    ...SIZES.filter((size) => size !== spec.minNumFilters).map((minNumFilters) => ({
      what: ` and min_num_filters ${minNumFilters}`,
      changed: { minNumFilters },
    })),
  ];
  for (const { what, changed } of changes)
    yield {
      work: 2 * ranking,
      test: () => {
        const tried = { ...spec, ...changed };
        const { exploration } = prunedBy({ ...run, spec: tried });
        const threshold = fittingThreshold(tried, exploration, observed.actual);
        if (threshold === null || (threshold === spec.threshold && what === '')) return null;
        return {
          cause: `The kept filters are those of threshold ${threshold}${what}; the spec says ${spec.threshold}${ownSettings(spec, changed)}.`,
          layers: under({ ...changed, threshold }),
        };
      },
    };
}

function ownSettings(spec: TaoSpec, changed: Partial<TaoSpec>): string {
  const [key] = Object.keys(changed) as (keyof TaoSpec)[];
  return key === undefined ? '' : ` and ${String(spec[key])}`;
}

/** A threshold taken for a fraction of filters, layer by layer: what it is in many other pruners. */
function* fractions({ run: { network, spec, norms }, ranking }: Trial): Generator<Hypothesis> {
  if (spec.threshold <= 0 || spec.threshold >= 1) return;
  const keeping = (count: (filters: number) => number): Layers => {
    const stats = ownStats(norms, 'off');
    return new Map(
      [...network.prunable.values()].map((layer) => {
        const stat = stats.get(layer);
        return [
          layer.name,
          { expected: stat === undefined || 'unknown' in stat ? null : largest(stat.values, count(layer.filters)) },
        ];
      }),
    );
  };
  const parts = [
    { kept: 1 - spec.threshold, what: `all but the fraction ${spec.threshold} of filters` },
    { kept: spec.threshold, what: `the fraction ${spec.threshold} of filters` },
  ];
  for (const { kept, what } of parts) {
    for (const round of [Math.round, Math.floor, Math.ceil]) {
      yield hypothesis(
        ranking,
        `Each layer keeps ${what} with the largest norms: the threshold cuts normalized norms, it is no fraction.`,
        () => keeping((filters) => round(kept * filters)),
      );
    }
  }
}

function largest(values: ArrayLike<number>, count: number): RetainedIndices {
  return Array.from(values, (_, filter) => filter)
    .sort((a, b) => values[b]! - values[a]! || a - b)
    .slice(0, count)
    .sort((a, b) => a - b);
}

/** Round thresholds, nearest to the spec's first, for divergences that only some layers share. */
function roundThresholds(spec: TaoSpec): readonly number[] {
  const twentieths = Array.from({ length: 20 }, (_, k) => Number(((k + 1) * 0.05).toFixed(2)));
  return twentieths
    .filter((threshold) => threshold !== spec.threshold)
    .sort((a, b) => Math.abs(a - spec.threshold) - Math.abs(b - spec.threshold));
}
