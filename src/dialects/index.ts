import type { SpecDocument } from '../config/spec.ts';
import { inputErrorAt, type Place } from '../errors/place.ts';
import { taoTf2 } from './tao-tf2/index.ts';
import { torchPruning } from './torch-pruning/index.ts';
import type { Dialect, Spec } from './types.ts';

export { MAX_REPORTED_BYTES, type Reported, readReported } from './reported.ts';
export type {
  Certainties,
  Contradiction,
  CriterionCounts,
  Dialect,
  EqualizationGroup,
  Expectation,
  FilterDecision,
  JointOutcomes,
  LayerExpectation,
  LayerExplanation,
  Lint,
  MemberValues,
  Observed,
  Refusal,
  Spec,
  StatedSizes,
  Tie,
  Variant,
} from './types.ts';

const DIALECTS: readonly Dialect[] = [taoTf2, torchPruning];

/**
 * Reads a pruning spec by the dialect that it names.
 * @param at where the spec is named, or could be
 * @throws InputError where there is none, and for the first mistake in it
 */
export function readSpec(document: SpecDocument | null, at: Place): { readonly dialect: Dialect; readonly spec: Spec } {
  if (document === null) throw inputErrorAt(at, 'is required: name the pruning spec');
  const dialect = dialectOf(document.dialect, document.at('dialect'));
  return { dialect, spec: dialect.readSpec(document) };
}

/**
 * The pruner that a spec names.
 * @param at where it names it
 * @throws InputError for one that is not known
 */
export function dialectOf(name: string, at: Place): Dialect {
  const found = DIALECTS.find((dialect) => dialect.name === name);
  if (found !== undefined) return found;
  throw inputErrorAt(at, `must be one of ${DIALECTS.map((dialect) => dialect.name).join(', ')}`, name);
}
