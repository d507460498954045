import { foldAll } from '../../../network/index.ts';
import type { Variant } from '../../types.ts';
import { expectTorch, readScores, type Scored } from '../expect.ts';
import type { ComputedImportance, Reduction, TorchSpec } from '../spec.ts';

const REDUCTIONS: readonly Reduction[] = ['mean', 'sum', 'max', 'prod', 'first', 'gate'];
const NORMALIZERS = ['mean', null, 'max', 'sum', 'standarization', 'gaussian', 'lamp'] as const;
const STEPS = [null, 2, 4, 8, 16, 32, 64] as const;

/**
 * What Torch-Pruning would have retained had it been run otherwise: the mistakes that people make, likeliest first. Each is
 * computed only when it is asked for.
 */
export function* torchVariants(scored: Scored, spec: TorchSpec): Generator<Variant> {
  const { network } = scored;
  const variant = (cause: string, changed: Partial<TorchSpec>): Variant => {
    const other = { ...spec, ...changed };
    return { cause, layers: expectTorch(scored.under(other), other).layers };
  };
  const instead = (what: string, said: unknown): string =>
    `The kept channels are those of ${what}; the spec says ${said}.`;

  if (spec.ignored.length > 0)
    yield variant('The kept channels are those without the ignored_layers of the spec.', { ignored: [] });
  if (spec.roundTo !== null) yield variant('The kept channels are those without round_to.', { roundTo: null });
  yield variant(
    instead(
      spec.isGlobal ? 'a ranking within each group (global_pruning: false)' : 'global_pruning: true',
      spec.isGlobal,
    ),
    { isGlobal: !spec.isGlobal },
  );
  if (spec.pruningRatio !== 0.5)
    yield variant(
      `The kept channels are those of pruning_ratio ${round(1 - spec.pruningRatio)}: was the share that stays given as the share that goes?`,
      { pruningRatio: round(1 - spec.pruningRatio) },
    );
  const { importance } = spec;
  if (importance.kind === 'computed' && spec.scores === null) {
    yield* otherImportances(importance, (cause, changed) =>
      variant(cause, { importance: { ...importance, ...changed } }),
    );
    const folded = foldAll(network);
    if (folded !== network)
      yield {
        cause:
          'The kept channels are those that the weights with BatchNorm folded in give: were they ranked from a folded export?',
        layers: expectTorch(readScores(folded, spec, 'raw'), spec).layers,
      };
  }
  if (spec.ratios.length > 0) yield variant('The kept channels are those without pruning_ratio_dict.', { ratios: [] });
  if (spec.outGroups.size + spec.inGroups.size > 0)
    yield variant('The kept channels are those without the channel groups of the spec.', {
      outGroups: new Map(),
      inGroups: new Map(),
    });
  yield variant(instead(`isomorphic: ${!spec.isIsomorphic}`, spec.isIsomorphic), { isIsomorphic: !spec.isIsomorphic });
  for (const roundTo of STEPS)
    if (roundTo !== spec.roundTo && roundTo !== null)
      yield variant(instead(`round_to ${roundTo}`, spec.roundTo ?? 'none'), { roundTo });
  for (const pruningRatio of ratiosNear(spec.pruningRatio))
    yield variant(instead(`pruning_ratio ${pruningRatio}`, spec.pruningRatio), { pruningRatio });
}

function* otherImportances(
  importance: ComputedImportance,
  variant: (cause: string, changed: Partial<ComputedImportance>) => Variant,
): Generator<Variant> {
  const { reduction, p, normalizer, bias, isDistance } = importance;
  const instead = (what: string, said: unknown): string =>
    `The kept channels are those of ${what}; the spec says ${said}.`;
  if (reduction !== 'first')
    yield variant(
      `The kept channels are those of group_reduction first, the filters of one layer alone; the spec says ${reduction}.`,
      { reduction: 'first' },
    );
  for (const other of REDUCTIONS)
    if (other !== reduction && other !== 'first')
      yield variant(instead(`group_reduction ${other}`, reduction), { reduction: other });
  for (const other of [1, 2]) if (other !== p) yield variant(instead(`p ${other}`, p), { p: other });
  for (const other of NORMALIZERS)
    if (other !== normalizer)
      yield variant(instead(`normalizer ${other ?? 'none'}`, normalizer ?? 'none'), { normalizer: other });
  yield variant(instead(`bias ${!bias}`, bias), { bias: !bias });
  yield variant(
    isDistance
      ? 'The kept channels are those of a magnitude importance, not of distances (FPGM).'
      : 'The kept channels are those of FPGMImportance.',
    { isDistance: !isDistance },
  );
}

/** Twentieths, nearest first. */
function ratiosNear(ratio: number): readonly number[] {
  const steps = Array.from({ length: 19 }, (_, k) => round((k + 1) * 0.05));
  return steps.filter((step) => step !== ratio).sort((a, b) => Math.abs(a - ratio) - Math.abs(b - ratio));
}

function round(value: number): number {
  return Number(value.toFixed(4));
}
