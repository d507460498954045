import { allFilters, listed } from '../../../prose/index.ts';
import { hypothesis, rankingEffort, readingEffort } from '../../effort.ts';
import type { Hypothesis, Observed } from '../../types.ts';
import { expectDeclared, type Scene } from '../expect.ts';
import type { DeclaredKeys, GroupKeys, KeepKeys, Rounding, ValueName } from '../keys.ts';
import { type DeclaredSpec, withKeys } from '../spec.ts';

const ROUNDINGS: readonly Rounding[] = [
  'remove-floor',
  'remove-nearest',
  'remove-ceil',
  'keep-floor',
  'keep-nearest',
  'keep-ceil',
];
const VALUES: readonly ValueName[] = ['l2', 'l1', 'fpgm', 'bn-gamma', 'mean-abs'];
const SCORES: readonly GroupKeys['score'][] = ['sum', 'first', 'max', 'mean', 'rss', 'min', 'or', 'and'];
const MULTIPLES = [1, 8, 4, 16, 2, 32] as const;

/** Distances between all filters of a layer take about as many readings of it as it has filters, halved: a guess for wide ones. */
const DISTANCES = 100;

/** Another spec, and what it takes to rank by it. */
type Other = (cause: string, changed: Partial<DeclaredKeys>, more?: number) => Hypothesis;

/** What the pruner would have retained under other keys: the mistakes that people make, likeliest first. */
export function* declaredHypotheses(scene: Scene, spec: DeclaredSpec, observed: Observed): Generator<Hypothesis> {
  const { network } = scene;
  const { keys } = spec;
  const ranking = rankingEffort(network);
  const other: Other = (cause, changed, more = 0) =>
    hypothesis(ranking + more, cause, () => {
      const under = withKeys(spec, changed);
      return expectDeclared(scene, under, (layer) => observed.actual(layer)).layers;
    });
  yield* ofCoupling(keys, other);
  yield* ofExclusions(scene, spec, observed, other);
  yield* ofCounts(keys, other);
  yield* ofGroups(keys, other);
  if (Object.keys(keys.layers).length > 0)
    yield other('The kept filters are those without the layers of the spec.', { layers: {} });
  const { importance } = keys;
  if (importance.value === 'file') return;
  const reading = readingEffort(network);
  for (const value of VALUES)
    if (value !== importance.value && (importance.axis === 'out' || (value !== 'fpgm' && value !== 'bn-gamma')))
      yield other(
        instead(`value: ${value}`, importance.value),
        { importance: { ...importance, value } },
        value === 'fpgm' ? DISTANCES * reading : reading,
      );
  const { folded } = importance;
  yield other(
    folded
      ? 'The kept filters are those of weights without BatchNorm folded in; the spec says folded: true.'
      : 'The kept filters are those that weights with BatchNorm folded in give: were they ranked from a folded export?',
    { importance: { ...importance, folded: !folded } },
    reading,
  );
}

function instead(what: string, said: unknown): string {
  return `The kept filters are those of ${what}; the spec says ${said}.`;
}

function* ofExclusions(
  { network }: Scene,
  { keys: { exclude } }: DeclaredSpec,
  observed: Observed,
  other: Other,
): Generator<Hypothesis> {
  const whole = [...network.prunable.values()].flatMap(({ name, filters }) =>
    observed.actual(name)?.length === filters ? [name] : [],
  );
  if (whole.length > 0 && whole.length < network.prunable.size)
    yield other(
      `The kept filters are those of a pruner that left ${listed(whole, 4)} whole: exclude ${whole.length > 1 ? 'them' : 'it'} if it declined ${whole.length > 1 ? 'these layers' : 'this layer'}.`,
      { exclude: [...exclude, ...whole] },
    );
  for (const at of allFilters(exclude.length))
    yield other(`The kept filters are those without ${exclude[at]} in exclude.`, {
      exclude: exclude.filter((_, k) => k !== at),
    });
}

function* ofCounts({ keep }: DeclaredKeys, other: Other): Generator<Hypothesis> {
  const under = (cause: string, changed: Partial<KeepKeys>): Hypothesis =>
    other(cause, { keep: { ...keep, ...changed } });
  const isShare = keep.rule === 'ratio' || keep.rule === 'rank-threshold';
  if (isShare)
    for (const rounding of ROUNDINGS)
      if (rounding !== keep.rounding) yield under(instead(`rounding: ${rounding}`, keep.rounding), { rounding });
  for (const of of MULTIPLES)
    if (of !== keep.multiple.of)
      yield under(instead(`multiples of ${of}`, keep.multiple.of), { multiple: { ...keep.multiple, of } });
  if (keep.rule === 'threshold' || keep.rule === 'rank-threshold') {
    const compare = keep.compare === '>' ? '>=' : '>';
    yield under(instead(`compare: "${compare}"`, keep.compare), { compare });
  }
  if (keep.rule === 'rank-threshold')
    yield under('The kept filters are those of a ratio for each layer; the spec ranks all layers together.', {
      rule: 'ratio',
    });
  if (keep.rule === 'ratio')
    yield under('The kept filters are those of a ranking over all layers; the spec has a ratio for each.', {
      rule: 'rank-threshold',
    });
  if (!isShare) return;
  if (keep.amount !== 0.5)
    yield under(
      `The kept filters are those of amount ${round(1 - keep.amount)}: was the share that stays given as the share that goes?`,
      { amount: round(1 - keep.amount) },
    );
  for (const amount of sharesNear(keep.amount)) yield under(instead(`amount ${amount}`, keep.amount), { amount });
}

/** One key says more than a list of the layers that were left whole. */
function* ofCoupling({ group }: DeclaredKeys, other: Other): Generator<Hypothesis> {
  for (const coupled of ['together', 'alone', 'whole'] as const)
    if (coupled !== group.coupled)
      yield other(instead(`coupled: ${coupled}`, group.coupled), { group: { ...group, coupled } });
}

function* ofGroups({ group }: DeclaredKeys, other: Other): Generator<Hypothesis> {
  for (const score of SCORES)
    if (score !== group.score) yield other(instead(`score: ${score}`, group.score), { group: { ...group, score } });
  const depthwise = group.depthwise === 'scored' ? 'ignored' : 'scored';
  yield other(instead(`depthwise: ${depthwise}`, group.depthwise), { group: { ...group, depthwise } });
  const weights = group.weights === 'cut' ? 'dense' : 'cut';
  yield other(instead(`weights: ${weights}`, group.weights), { group: { ...group, weights } });
}

/** Twentieths, nearest first. */
function sharesNear(share: number): readonly number[] {
  const steps = Array.from({ length: 19 }, (_, k) => round((k + 1) * 0.05));
  return steps.filter((step) => step !== share).sort((a, b) => Math.abs(a - share) - Math.abs(b - share));
}

function round(value: number): number {
  return Number(value.toFixed(4));
}
