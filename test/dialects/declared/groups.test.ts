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

/** Whether the layer of a weight of this name is left out by a pattern. */
function isLeftOut(weight: string, pattern: string): boolean {
  const network = inMemory({
    inputs: { x: [2, 3] },
    weights: { [weight]: zeros([3, 6]), 'head.weight': zeros([6, 2]) },
    nodes: [
      op('MatMul', ['x', weight], 'a', { name: 'node_MatMul_11' }),
      op('MatMul', ['a', 'head.weight'], 'y', { name: '/head/MatMul' }),
    ],
    outputs: ['y'],
  });
  const spec = { ...SPEC, isExcluded: (name: string) => name.startsWith(pattern) };
  return groupsOf(network, spec).all[0]?.whole?.rule === 'excluded';
}

describe('a layer that is left out', () => {
  it.each([
    ['attn.in_proj_weight', 'attn.', true],
    ['attn.in_proj_weight', 'node_MatMul', true],
    ['attn.in_proj_weight', 'other.', false],
    // A module's own weight has the module's name.
    ['attn.weight', 'attn.w', false],
  ])('is found by the name of a bare parameter: %s by %s', (weight, pattern, isFound) => {
    expect(isLeftOut(weight, pattern)).toBe(isFound);
  });
});

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
