import { inputErrorAt, type Place } from '../config/index.ts';
import { taoTf2 } from './tao-tf2/index.ts';
import { torchPruning } from './torch-pruning/index.ts';
import type { Dialect } from './types.ts';

export { type Reported, readReported } from './reported.ts';
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
  Tie,
  Variant,
} from './types.ts';

const DIALECTS: readonly Dialect[] = [taoTf2, torchPruning];

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
