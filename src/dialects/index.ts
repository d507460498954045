import type { SpecDocument } from '../config/spec.ts';
import { inputErrorAt, type Place } from '../errors/place.ts';
import { taoTf1 } from './tao-tf1/index.ts';
import { taoTf2 } from './tao-tf2/index.ts';
import { torchPruning } from './torch-pruning/index.ts';
import type { Dialect, Pruner } from './types.ts';

export { ranksOf } from './ranks.ts';
export { MAX_REPORTED_BYTES, type Reported, readReported } from './reported.ts';
export type {
  Assumption,
  Certainties,
  Contradiction,
  CriterionCounts,
  Expectation,
  FilterDecision,
  FirstStage,
  Hypothesis,
  JointOutcomes,
  LayerExpectation,
  LayerExplanation,
  LayerGroup,
  Lint,
  MemberValues,
  Observed,
  Pruner,
  Refusal,
  Spec,
  StatedSizes,
  Tie,
  Variant,
} from './types.ts';

const DIALECTS: readonly Dialect[] = [taoTf2, taoTf1, torchPruning];
/** TAO's own specs name none. */
const DEFAULT = taoTf2.name;

/**
 * Reads a pruning spec by the dialect that it names, else TAO's.
 * @param at where the spec is named, or could be
 * @throws InputError where there is none, and for the first mistake in it
 */
export function readSpec(document: SpecDocument | null, at: Place): Pruner {
  if (document === null) throw inputErrorAt(at, 'is required: name the pruning spec');
  const dialect = document.dialect ?? DEFAULT;
  const found = DIALECTS.find(({ name }) => name === dialect);
  if (found === undefined) {
    const known = DIALECTS.map(({ name }) => name).join(', ');
    throw inputErrorAt(document.at('dialect'), `must be one of ${known}`, dialect);
  }
  const stray = document.added.find(({ key }) => !found.topKeys.includes(key));
  if (stray !== undefined) throw stray.mistake;
  const [word] = [...document.words, ...document.addedWords];
  if (word !== undefined && !found.takesFlags)
    throw inputErrorAt(word.place, `must be keys: flags are read by dialect: ${flagged}, not by ${dialect}`, word.text);
  return found.readSpec(document);
}

const flagged = DIALECTS.filter(({ takesFlags }) => takesFlags)
  .map(({ name }) => name)
  .join(', ');
