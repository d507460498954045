import { describe, expect, it } from 'vitest';
import type { GraphComparison } from '../../src/comparison/index.ts';
import type { RetainedIndices } from '../../src/network/index.ts';
import { recoverRetention } from '../../src/recovery/index.ts';
import { judge } from '../../src/verdict/index.ts';
import { cutRows, inMemory, network, type Rows } from '../support/convs.ts';
import { expectationOf } from '../support/golden.ts';
import { op, zeros } from '../support/onnx-builder.ts';

/** Filters of which the middle two are worth the same. */
const STEM: Rows = [
  [4, 1],
  [1, 2],
  [2, 1],
  [1, 0],
];
const HEAD: Rows = [
  [1, 2, 3, 4],
  [5, 6, 7, 8],
];
const chain = (kept: RetainedIndices) =>
  network([
    { name: 'stem', from: 'x', kernel: cutRows(STEM, kept, [0, 1]) },
    { name: 'head', from: 'stem', kernel: cutRows(HEAD, [0, 1], kept) },
  ]);
const dense = chain([0, 1, 2, 3]);
const spec = (count: number) => ({
  threshold: 2,
  granularity: count,
  min_num_filters: count,
  excluded_layers: ['head'],
});
const recovered = (kept: RetainedIndices) => recoverRetention(dense, chain(kept), undefined, null);
const sides = (count: number, kept: RetainedIndices) => ({
  ...{ dense, tolerance: null, expectation: expectationOf(dense, spec(count)), recovery: recovered(kept) },
});

describe('the verdict of a run', () => {
  it('is that of its layers: right, open or wrong', () => {
    expect(judge(sides(1, [0])).verdict).toBe('conforms');
    expect(judge(sides(1, [1])).verdict).toBe('diverges');
    const open = judge(sides(2, [0, 2]));
    expect(open.layers.map(({ verdict }) => verdict)).toEqual(['ambiguous', 'match']);
    expect(open.verdict).toBe('conforms');
  });

  it('is none where only one side was asked for', () => {
    const { expectation, recovery, ...rest } = sides(1, [1]);
    expect(judge({ ...rest, expectation })).toMatchObject({ verdict: null, findings: [] });
    expect(judge({ ...rest, recovery })).toMatchObject({ verdict: null, findings: [] });
  });

  it('is not conforming where no layer was checked', () => {
    const nodes = [op('Mystery', ['x', 'w'], 'y')];
    const bare = inMemory({ inputs: { x: [1, 2] }, outputs: ['y'], weights: { w: zeros([4, 4]) }, nodes });
    const recovery = recoverRetention(bare, bare, undefined, null);
    const expectation = { ...expectationOf(dense, spec(1)), layers: new Map(), groups: [] };
    expect(judge({ dense: bare, tolerance: null, expectation, recovery })).toMatchObject({
      ...{ verdict: 'unverifiable', layers: [] },
    });
  });

  it('is unverifiable where all layers are right and weights were not looked at', () => {
    const weight = { tensor: 'w', node: 'n', op: 'Mystery', elements: 4 };
    const unseen = { dense: [], pruned: [weight], seenOfDense: 1, seenOfPruned: 0.5 };
    const graph = { differences: [], open: [], unseen } as unknown as GraphComparison;
    const { verdict, layers, findings } = judge({ ...sides(1, [0]), graph });
    expect(layers.every((layer) => layer.verdict === 'match')).toBe(true);
    expect(findings.map(({ kind }) => kind)).toEqual(['weights-unseen']);
    expect(verdict).toBe('unverifiable');
    expect(judge({ ...sides(1, [1]), graph }).verdict).toBe('diverges');
  });

  it('is kept, with a note, where operators could not be compared', () => {
    const unseen = { dense: [], pruned: [], seenOfDense: 1, seenOfPruned: 1 };
    const { verdict, notes } = judge({ ...sides(1, [0]), graph: { differences: [], open: ['Mystery'], unseen } });
    expect(verdict).toBe('conforms');
    expect(notes).toEqual([expect.stringContaining('Mystery')]);
  });

  it('is unverifiable where the model is no outcome that runs, and the pruner raises on others', () => {
    const refusing = (kept: RetainedIndices) => {
      const refusal = { message: 'ValueError: no', layer: null, always: false };
      const given = sides(1, kept);
      return judge({ ...given, expectation: { ...given.expectation, refusal } });
    };
    expect(refusing([1]).verdict).toBe('unverifiable');
    expect(JSON.stringify(refusing([1]).findings)).toContain('ValueError: no');
    expect(refusing([0]).verdict).toBe('conforms');
  });
});
