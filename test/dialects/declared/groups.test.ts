import { describe, expect, it } from 'vitest';
import { groupsOf } from '../../../src/dialects/declared/groups.ts';
import type { DeclaredSpec } from '../../../src/dialects/declared/spec.ts';
import { inMemory } from '../../support/convs.ts';
import { op, zeros } from '../../support/onnx-builder.ts';

const SPEC = { keys: { group: { coupled: 'together' } }, isExcluded: () => false } as unknown as DeclaredSpec;

/** A depthwise convolution behind another one, and an operation between them. */
function groups(between: string, domain = '') {
  const network = inMemory({
    inputs: { x: [1, 3, 4, 4] },
    weights: { 'a.weight': zeros([4, 3, 1, 1]), 'd.weight': zeros([4, 1, 1, 1]) },
    nodes: [
      op('Conv', ['x', 'a.weight'], 'a', { name: 'a' }),
      op(between, ['a'], 'between', { domain }),
      op('Conv', ['between', 'd.weight'], 'd', { name: 'd', group: 4 }),
    ],
    outputs: ['d'],
  });
  return groupsOf(network, SPEC).all.map(({ members, problem }) => [members.map(({ layer }) => layer.name), problem]);
}

describe('a depthwise convolution', () => {
  it('is pruned with what makes its channels', () => {
    expect(groups('Relu')).toEqual([[['a', 'd'], null]]);
  });

  it('is not ranked by itself where these cannot be followed', () => {
    expect(groups('Secret', 'other')).toEqual([
      [['a'], null],
      [['d'], 'd is depthwise, and the channels that it reads could not be followed'],
    ]);
  });
});
