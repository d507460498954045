import type { Folding, Network } from '../../network/index.ts';
import { normalize } from './normalizer.ts';
import type { ScoresOf } from './records.ts';
import { reduce } from './reduction.ts';
import type { ComputedImportance } from './spec.ts';
import { termReader } from './terms.ts';

/** Scores from the weights, as the importance computes them. */
export function computedScores(network: Network, importance: ComputedImportance, folding: Folding | null): ScoresOf {
  const termsOf = termReader(network, importance, folding);
  return (group) => {
    const terms = termsOf(group);
    if ('unknown' in terms) return terms;
    if (terms.length === 0) return null;
    const reduced = reduce(terms, importance.reduction);
    return 'unknown' in reduced ? reduced : { terms, scores: normalize(reduced, importance.normalizer) };
  };
}
