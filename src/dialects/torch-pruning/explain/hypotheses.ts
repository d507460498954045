import { foldAll } from '../../../network/index.ts';
import { hypothesis, rankingEffort, readingEffort } from '../../effort.ts';
import type { Hypothesis, Observed } from '../../types.ts';
import { expectTorch, readScores, type Scored, type TorchExpected } from '../expect.ts';
import { distancesEffort } from '../score/distances-effort.ts';
import type { ComputedImportance, Reduction, TorchSpec } from '../spec.ts';

const REDUCTIONS: readonly Reduction[] = ['mean', 'sum', 'max', 'prod', 'first', 'gate'];
const NORMALIZERS = ['mean', null, 'max', 'sum', 'standarization', 'gaussian', 'lamp'] as const;
const STEPS = [2, 4, 8, 16, 32, 64] as const;

/** Another spec, and what it takes to rank by it. */
type Other = (cause: string, changed: Partial<TorchSpec>, more?: number) => Hypothesis;

/**
 * What Torch-Pruning would have retained had it been run otherwise: the mistakes that people make, likeliest first, and those
 * that need other scores after those that the spec's own decide.
 */
export function* torchHypotheses(
  scored: Scored,
  spec: TorchSpec,
  expected: TorchExpected,
  observed: Observed,
): Generator<Hypothesis> {
  const ranking = rankingEffort(scored.network);
  const other: Other = (cause, changed, more = 0) =>
    hypothesis(ranking + more, cause, () => {
      const under = { ...spec, ...changed };
      return expectTorch(scored.under(under), under).layers;
    });
  const instead = (what: string, said: unknown): string =>
    `The kept channels are those of ${what}; the spec says ${said}.`;

  if (spec.ignored.length > 0)
    yield other('The kept channels are those without the ignored_layers of the spec.', { ignored: [] });
  if (spec.pruningRatio !== 0.5)
    yield other(
      `The kept channels are those of pruning_ratio ${round(1 - spec.pruningRatio)}: was the share that stays given as the share that goes?`,
      { pruningRatio: round(1 - spec.pruningRatio) },
    );
  for (const pruningRatio of ratiosNear(removedShare(scored, expected, observed) ?? spec.pruningRatio))
    if (pruningRatio !== spec.pruningRatio)
      yield other(instead(`pruning_ratio ${pruningRatio}`, spec.pruningRatio), { pruningRatio });
  if (spec.roundTo !== null) yield other('The kept channels are those without round_to.', { roundTo: null });
  yield other(
    instead(
      spec.isGlobal ? 'a ranking within each group (global_pruning: false)' : 'global_pruning: true',
      spec.isGlobal,
    ),
    { isGlobal: !spec.isGlobal },
  );
  for (const roundTo of STEPS)
    if (roundTo !== spec.roundTo) yield other(instead(`round_to ${roundTo}`, spec.roundTo ?? 'none'), { roundTo });
  if (spec.ratios.length > 0) yield other('The kept channels are those without pruning_ratio_dict.', { ratios: [] });
  if (spec.outGroups.size + spec.inGroups.size > 0)
    yield other('The kept channels are those without the channel groups of the spec.', {
      outGroups: new Map(),
      inGroups: new Map(),
    });
  yield other(instead(`isomorphic: ${!spec.isIsomorphic}`, spec.isIsomorphic), { isIsomorphic: !spec.isIsomorphic });
  yield* otherScores(scored, spec, other);
}

function* otherScores(scored: Scored, spec: TorchSpec, other: Other): Generator<Hypothesis> {
  const { importance } = spec;
  if (importance.kind !== 'computed' || spec.scores !== null) return;
  const { network } = scored;
  const under = (cause: string, changed: Partial<ComputedImportance>, more = 0): Hypothesis =>
    other(cause, { importance: { ...importance, ...changed } }, more);
  yield* otherImportances(importance, under);
  const reading = readingEffort(network);
  for (const p of [1, 2])
    if (p !== importance.p)
      yield under(`The kept channels are those of p ${p}; the spec says ${importance.p}.`, { p }, reading);
  const folded = foldAll(network);
  if (folded !== network)
    yield hypothesis(
      rankingEffort(network) + reading,
      'The kept channels are those that the weights with BatchNorm folded in give: were they ranked from a folded export?',
      () => expectTorch(readScores(folded, spec, 'raw'), spec).layers,
    );
  if (importance.isDistance)
    yield under('The kept channels are those of a magnitude importance, not of distances (FPGM).', {
      isDistance: false,
    });
  else
    yield under(
      'The kept channels are those of FPGMImportance.',
      { isDistance: true },
      distancesEffort(scored.dependencies.groups),
    );
}

/** Importances that make other scores of the same sums over weights. */
function* otherImportances(
  { reduction, normalizer, bias }: ComputedImportance,
  under: (cause: string, changed: Partial<ComputedImportance>) => Hypothesis,
): Generator<Hypothesis> {
  const instead = (what: string, said: unknown): string =>
    `The kept channels are those of ${what}; the spec says ${said}.`;
  if (reduction !== 'first')
    yield under(
      `The kept channels are those of group_reduction first, the filters of one layer alone; the spec says ${reduction}.`,
      { reduction: 'first' },
    );
  for (const other of REDUCTIONS)
    if (other !== reduction && other !== 'first')
      yield under(instead(`group_reduction ${other}`, reduction), { reduction: other });
  for (const other of NORMALIZERS)
    if (other !== normalizer)
      yield under(instead(`normalizer ${other ?? 'none'}`, normalizer ?? 'none'), { normalizer: other });
  yield under(instead(`bias ${!bias}`, bias), { bias: !bias });
}

/** The share of channels that went where another number stays than expected, in the middle of these layers; null where none does. */
function removedShare({ network }: Scored, { layers }: TorchExpected, { actual }: Observed): number | null {
  const shares = [...network.prunable.values()].flatMap(({ name, filters }) => {
    const kept = actual(name)?.length;
    const right = layers.get(name)?.expected?.length;
    return kept === undefined || right === undefined || kept === right ? [] : [1 - kept / filters];
  });
  shares.sort((a, b) => a - b);
  return shares[Math.floor(shares.length / 2)] ?? null;
}

/** Twentieths, nearest first, and hundredths beside them. */
function ratiosNear(ratio: number): readonly number[] {
  const byDistance = (a: number, b: number): number => Math.abs(a - ratio) - Math.abs(b - ratio);
  const twentieths = Array.from({ length: 19 }, (_, k) => round((k + 1) * 0.05));
  const hundredths = Array.from({ length: 99 }, (_, k) => round((k + 1) * 0.01)).filter(
    (one) => !twentieths.includes(one) && Math.abs(one - ratio) < 0.05,
  );
  return [...twentieths.sort(byDistance), ...hundredths.sort(byDistance)];
}

function round(value: number): number {
  return Number(value.toFixed(4));
}
