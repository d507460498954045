import { UNIT } from '../../shared/rounding.ts';
import type { ScoresOf } from '../cut/ranked-groups.ts';
import type { ComputedImportance, Reduction } from '../spec.ts';
import type { Group } from '../trace/group.ts';
import { normalize } from './normalizer.ts';
import { isLastWritten, reduce } from './reduction.ts';
import type { TermsOf, Unknown } from './terms.ts';

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
    return { terms: null, scores: { values, errors, orderErrors: errors, unit: UNIT } };
  };
}

/** Parts of one layer, as queries, keys and values, of which tracing met one before the others. */
function hasParts({ items }: Group): boolean {
  return items.some(({ module }) => module.type === 'Unbind');
}

function whichPart(reduction: Reduction): Unknown {
  const unknown = `group_reduction ${reduction} counts one of query, key and value, and which of them hangs on the order of autograd's graph, which an export does not have`;
  return {
    unknown,
    remedy: 'Have the pruner write its scores to a .npz file and name it: scores: FILE.',
    isRaised: false,
  };
}

/** Scores from the weights, as the importance computes them. */
export function computedScores(importance: ComputedImportance, termsOf: TermsOf): ScoresOf {
  return (group) => {
    const terms = termsOf(group);
    if ('unknown' in terms) return terms;
    if (terms.length === 0) return null;
    if (hasParts(group) && isLastWritten(terms, importance.reduction)) return whichPart(importance.reduction);
    const reduced = reduce(terms, importance.reduction);
    return 'unknown' in reduced ? reduced : { terms, scores: normalize(reduced, importance.normalizer) };
  };
}
