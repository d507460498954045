import type { ScoresOf } from '../cut/ranked-groups.ts';
import type { ComputedImportance } from '../spec.ts';
import { normalize } from './normalizer.ts';
import { reduce } from './reduction.ts';
import type { TermsOf } from './terms.ts';

/**
 * Scores that the pruner computed itself, by the name of each group's root or of a layer that has the same channels.
 * @param scores one for each channel of the root
 */
export function givenScores(scores: ReadonlyMap<string, Float64Array>, path: string): ScoresOf {
  return (group) => {
    const channels = group.items[0]!.at.length;
    const names = group.items.flatMap((item) =>
      item.at.length === channels && item.at.every((position, k) => position === item.root[k]) && item.side !== 'in'
        ? [item.module.layer.name]
        : [],
    );
    const name = names.find((candidate) => scores.has(candidate));
    const root = group.items[0]!.module.layer.name;
    const remedy = `Have the pruner write the scores of ${root}, one for each channel.`;
    if (name === undefined) return { unknown: `${path} holds no scores for ${root}`, remedy, isRaised: false };
    const values = scores.get(name)!;
    if (values.length !== channels) {
      const unknown = `${path} holds ${values.length} scores for ${name}, which has ${channels} channels`;
      return { unknown, remedy, isRaised: false };
    }
    // They are the numbers that the pruner ranked, but averages over channel groups are taken again.
    const errors = new Float64Array(channels);
    return { terms: null, scores: { values, errors, orderErrors: errors } };
  };
}

/** Scores from the weights, as the importance computes them. */
export function computedScores(importance: ComputedImportance, termsOf: TermsOf): ScoresOf {
  return (group) => {
    const terms = termsOf(group);
    if ('unknown' in terms) return terms;
    if (terms.length === 0) return null;
    const reduced = reduce(terms, importance.reduction);
    return 'unknown' in reduced ? reduced : { terms, scores: normalize(reduced, importance.normalizer) };
  };
}
