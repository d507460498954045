import type { SpecDocument } from '../config/spec.ts';
import { nearest } from '../config/values.ts';
import { inputErrorAt, type Place } from '../errors/place.ts';
import { declared } from './declared/index.ts';
import { forItsFramework } from './framework.ts';
import { taoTf1 } from './tao-tf1/index.ts';
import { taoTf2 } from './tao-tf2/index.ts';
import { readHistory, torchPruning } from './torch-pruning/index.ts';
import type { Dialect, Pruner } from './types.ts';

export type { CountRule, CriterionCounts, FilterDecision, LayerExplanation, MemberValues, Tie } from './explained.ts';
export { ranksOf } from './ranks.ts';
export { MAX_REPORTED_BYTES, type Reported, readReported } from './reported.ts';
export type {
  Assumption,
  Certainties,
  Contradiction,
  Expectation,
  FirstStage,
  Hypothesis,
  JointOutcomes,
  LayerExpectation,
  LayerForm,
  LayerGroup,
  Lint,
  Observed,
  Pruner,
  PrunerFaults,
  Refusal,
  Spec,
  StatedSizes,
  Variant,
} from './types.ts';

const DIALECTS: readonly Dialect[] = [
  taoTf2,
  taoTf1,
  torchPruning,
  declared((text, dense) => readHistory(text, dense)),
];
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
    const known = DIALECTS.map(({ name }) => name);
    const meant = nearest(dialect, known);
    const hint = meant === null ? '' : `: did you mean ${meant}?`;
    throw inputErrorAt(document.at('dialect'), `must be one of ${known.join(', ')}${hint}`, dialect);
  }
  const stray = document.added.find(({ key }) => !found.topKeys.includes(key));
  if (stray !== undefined) throw stray.mistake;
  const [word] = [...document.words, ...document.addedWords];
  if (word !== undefined && !found.takesFlags)
    throw inputErrorAt(word.place, `must be keys: flags are read by dialect: ${flagged}, not by ${dialect}`, word.text);
  refuseStrangers(found, document);
  return forItsFramework(found.readSpec(document), found, document, DIALECTS);
}

/** A key of another pruner, or an older name: nothing that is near would be meant. */
function refuseStrangers(dialect: Dialect, { dialect: named, section, at }: SpecDocument): void {
  for (const key of Object.keys(section).filter((one) => !dialect.knows(one))) {
    const today = Object.hasOwn(dialect.otherNames, key) ? dialect.otherNames[key] : undefined;
    if (today !== undefined) throw inputErrorAt(at(key), `is called ${today} here`, section[key]);
    const others = DIALECTS.filter((other) => other.knows(key) || Object.hasOwn(other.otherNames, key));
    if (others.length === 0) continue;
    const meant = others.map(({ name }) => `dialect: ${name}`).join(' or ');
    const problem =
      named === null
        ? `is a key of another pruner, and a spec that names none is read as ${dialect.name}: write ${meant} at its top`
        : `is no key of dialect ${dialect.name}, but of ${meant}`;
    throw inputErrorAt(at(key), problem);
  }
}

const flagged = DIALECTS.filter(({ takesFlags }) => takesFlags)
  .map(({ name }) => name)
  .join(', ');
