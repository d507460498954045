import type { Unseen } from '../comparison/index.ts';
import type { Place } from '../errors/place.ts';
import type { UnseenWeight } from '../network/index.ts';
import { listed, percentDown } from '../prose/index.ts';
import type { Finding } from './types.ts';

/** Nodes that are named one by one. */
const MAX_NAMED = 4;

/** Weights that no layer owns and nothing compares: a list of filters says nothing of them, so the model is not verified. */
export function unseenFindings({ dense, pruned, seenOfDense, seenOfPruned }: Unseen, place: Place): Finding[] {
  const sides = [
    { name: 'pruned', weights: pruned, seen: seenOfPruned },
    { name: 'dense', weights: dense, seen: seenOfDense },
  ].filter(({ weights }) => weights.length > 0);
  if (sides.length === 0) return [];
  const operators = [...new Set(sides.flatMap(({ weights }) => weights.map(({ op }) => op)))];
  return [
    {
      kind: 'weights-unseen',
      layers: [],
      verdict: 'unverifiable',
      title: `weights are read by operators that are not understood: ${operators.join(', ')}`,
      details: [
        ...sides.map(
          ({ name, weights, seen }) =>
            `${percentDown(seen)} of the ${name} model's parameters were looked at; not ${nodes(weights)}.`,
        ),
        'Give the models as they were exported, before an optimizer of a runtime rewrites them.',
      ],
      place: { ...place, layer: null, filters: [] },
    },
  ];
}

function nodes(weights: readonly UnseenWeight[]): string {
  const names = [...new Set(weights.map(({ node, op }) => `those of ${node} (${op})`))];
  return listed(names, MAX_NAMED);
}
