import { type Layer, type Network, once, type RetainedIndices } from '../../network/index.ts';
import { filterWords, sameFilters, without } from '../../prose/index.ts';
import type { Certainties, Contradiction } from '../types.ts';
import type { Decision } from './exploration/decision.ts';
import type { Exploration } from './exploration/explore.ts';
import { retainedCount } from './retention.ts';
import type { Pruned } from './run.ts';
import type { TaoSpec } from './spec.ts';

/**
 * What holds of layers whose norms are not known: how many filters they can keep, and that layers which were given one
 * decision keep the same.
 */
export function certainties(
  network: Network,
  spec: TaoSpec,
  { exploration, undetermined }: Pick<Pruned, 'exploration' | 'undetermined'>,
): Certainties {
  return {
    summary(names) {
      const counts = `each keeps all its filters or a multiple of ${spec.granularity} that is not below the minimum of ${spec.minNumFilters}`;
      const isOpen = names.some((name) => {
        const layer = network.prunable.get(name);
        return layer === undefined || undetermined.has(layer) || exploration?.decisions.get(layer)?.by !== 'unknown';
      });
      return isOpen ? counts : `${counts}, and equalized layers keep the same`;
    },
    contradiction(name, actual) {
      const layer = network.prunable.get(name);
      const kept = actual(name);
      const decision = layer === undefined ? undefined : exploration?.decisions.get(layer);
      const isOpen = decision?.by === 'unknown' || decision?.by === 'blocked';
      if (layer === undefined || !isOpen || exploration === null || kept === null) return null;
      return (
        countContradiction(kept.length, layer.filters, spec) ??
        (undetermined.has(layer) ? null : partnerContradiction(layer, kept, decision, exploration, actual))
      );
    },
  };
}

function countContradiction(count: number, filters: number, spec: TaoSpec): Contradiction | null {
  if (count === filters) return null;
  const least = retainedCount(0, filters, spec).count;
  if (count < least) {
    const reason = `it keeps ${count} of ${filters} filters, and the minimum of ${spec.minNumFilters}${least === spec.minNumFilters ? '' : `, rounded up to the granularity of ${spec.granularity},`} leaves ${least} at least`;
    return {
      problem: `kept fewer filters than the minimum of ${spec.minNumFilters} leaves`,
      reason,
      specKey: 'min_num_filters',
    };
  }
  if (count % spec.granularity === 0) return null;
  const reason = `it keeps ${count} of ${filters} filters, which is neither all of them nor a multiple of the granularity of ${spec.granularity}`;
  return {
    problem: `kept a number of filters that is no multiple of ${spec.granularity}`,
    reason,
    specKey: 'granularity',
  };
}

function partnerContradiction(
  layer: Layer,
  kept: RetainedIndices,
  decision: Decision,
  { decisions }: Exploration,
  actual: (layer: string) => RetainedIndices | null,
): Contradiction | null {
  if (decision.by === 'blocked') return null;
  for (const partner of layersByDecision(decisions).get(decision) ?? []) {
    const theirs = partner === layer ? null : actual(partner.name);
    if (theirs === null || sameFilters(theirs, kept)) continue;
    const only = without(kept, theirs);
    const missing = without(theirs, kept);
    const reason = `it is equalized with ${partner.name}, so both keep the same filters, but ${filterWords(only, 5)} stay${only.length === 1 ? 's' : ''} only in it and ${filterWords(missing, 5)} only in ${partner.name}`;
    return { problem: 'are equalized and kept different filters', reason, specKey: 'equalization_criterion' };
  }
  return null;
}

const layersByDecision = once((decisions: Exploration['decisions']): ReadonlyMap<Decision, readonly Layer[]> => {
  const found = new Map<Decision, Layer[]>();
  for (const [layer, decision] of decisions) {
    const layers = found.get(decision);
    if (layers === undefined) found.set(decision, [layer]);
    else layers.push(layer);
  }
  return found;
});
