import { describe, expect, it } from 'vitest';
import type { LayerExpectation } from '../../src/dialects/index.ts';
import type { Disagreement, LayerRecovery } from '../../src/recovery/index.ts';
import { consistencyOf, judgeLayer, type Rules } from '../../src/verdict/judge-layer.ts';

const EXPECTED: LayerExpectation = {
  ...{ name: 'a', exploring: null, expected: [0, 2], assumes: null, reason: 'the threshold keeps them', remedy: null },
  ...{ rule: 'threshold', specKey: 'threshold', tie: null, alternatives: null, group: null },
};
const RECOVERED: LayerRecovery = {
  ...{ name: 'a', kernel: { kind: 'exact' }, actual: [0, 2], order: [0, 2], isPermuted: false },
  ...{ duplicated: [], disagreements: [], open: [] },
};

interface Given {
  readonly expected?: Partial<LayerExpectation>;
  readonly recovery?: Partial<LayerRecovery>;
  readonly disagreements?: readonly Disagreement[];
  readonly rules?: {
    readonly tolerance?: number | null;
    readonly isConsistent?: boolean;
    readonly expectation?: object;
  };
}

function judged({ expected = {}, recovery = {}, disagreements = [], rules = {} }: Given = {}) {
  const { tolerance = null, isConsistent = true, expectation = {} } = rules;
  const certain = { contradiction: () => null };
  return judgeLayer(
    { expected: { ...EXPECTED, ...expected }, recovery: { ...RECOVERED, ...recovery }, filters: 4, disagreements },
    {
      ...{ tolerance, isConsistent: () => isConsistent, actual: () => null },
      expectation: { refusal: null, certain, ...expectation } as unknown as Rules['expectation'],
    },
  );
}

const verdictOf = (given?: Given): string => judged(given).verdict;

describe('a layer', () => {
  it('matches where it keeps the filters that are expected, and differs where it keeps others', () => {
    expect(judged()).toEqual({
      ...{ verdict: 'match', reason: 'the threshold keeps them' },
      ...{ problem: null, specKey: null, remedy: null },
    });
    expect(judged({ recovery: { actual: [0, 1] } })).toMatchObject({ verdict: 'mismatch', problem: null });
  });

  it('is not known where what its filters are could not be determined, or what they should be', () => {
    expect(judged({ recovery: { actual: null } }).reason).toBe('which filters it keeps could not be determined');
    expect(verdictOf({ recovery: { actual: null } })).toBe('unverifiable');
    expect(judged({ expected: { expected: null, reason: 'BatchNorm is folded' } })).toMatchObject({
      ...{ verdict: 'unverifiable', reason: 'BatchNorm is folded' },
    });
  });

  it('is wrong all the same where it keeps what no weights could ask for', () => {
    const contradiction = () => ({ problem: 'kept too few', reason: 'it keeps 1', specKey: 'min_num_filters' });
    expect(
      judged({ expected: { expected: null }, rules: { expectation: { certain: { contradiction } } } }),
    ).toMatchObject({
      ...{ verdict: 'mismatch', problem: 'kept too few', reason: 'it keeps 1', specKey: 'min_num_filters' },
    });
  });

  it.each([
    ['the weights may not be those that the pruner saw', 'weights', 'these weights ask for'],
    ['what it was left alone for may be no parameter', 'parameters', 'a parameter asks for'],
  ] as const)('that keeps other filters is not called wrong where %s', (_, of, asking) => {
    const assumes = { of, open: 'BatchNorm may be folded', remedy: 'Say so.' };
    expect(judged({ expected: { assumes }, recovery: { actual: [1, 2] } })).toMatchObject({
      ...{ verdict: 'unverifiable', remedy: 'Say so.' },
      reason: `BatchNorm may be folded, and it keeps other filters than ${asking}`,
    });
    expect(verdictOf({ expected: { assumes } })).toBe('match');
  });

  it('is judged by nothing where the pruner raises on the model', () => {
    const refusal = { message: 'raises', layer: null, always: true };
    expect(verdictOf({ rules: { expectation: { refusal } } })).toBe('unverifiable');
    expect(verdictOf({ rules: { expectation: { refusal: { ...refusal, always: false } } } })).toBe('match');
  });
});

describe('a kernel', () => {
  const kernel = (given: LayerRecovery['kernel'], tolerance: number | null = null) =>
    judged({ recovery: { kernel: given }, rules: { tolerance } });

  it('that is gone or not recognized says nothing, and one that was changed by hand is wrong', () => {
    expect(kernel({ kind: 'missing', detail: 'no layer a' })).toMatchObject({
      verdict: 'unverifiable',
      reason: 'no layer a',
    });
    expect(kernel({ kind: 'unrecognized', detail: 'nothing fits' })).toMatchObject({ verdict: 'unverifiable' });
    expect(kernel({ kind: 'altered', detail: 'weight 3 differs' })).toMatchObject({
      ...{ verdict: 'mismatch', problem: 'has weights that the dense model does not have' },
    });
  });

  it('that was trained again is judged where that is tolerated, and matches with a word of it', () => {
    const nearest = { kind: 'nearest', distance: 0.1, margin: 4, detail: 'filters were trained again' } as const;
    expect(kernel(nearest)).toMatchObject({ verdict: 'unverifiable', remedy: expect.stringContaining('tolerance') });
    expect(kernel(nearest, 0.05).verdict).toBe('unverifiable');
    expect(kernel(nearest, 0.1)).toMatchObject({
      ...{ verdict: 'match', reason: 'the threshold keeps them; filters were trained again' },
    });
    expect(kernel({ kind: 'rounded', detail: 'folded by two programs' })).toMatchObject({ verdict: 'match' });
  });
});

describe('what belongs to a layer', () => {
  const vector = { tensor: 'bn.scale', consumer: null, detail: 'its value 3 is not the dense one’s' };

  it('is wrong where a filter stands there twice, or another tensor keeps other filters, which is named', () => {
    expect(judged({ recovery: { duplicated: [2] } })).toMatchObject({
      verdict: 'mismatch',
      problem: 'has filter 2 more than once',
    });
    expect(judged({ disagreements: [vector] })).toMatchObject({
      ...{ verdict: 'mismatch', problem: 'and a vector that follows it keep different filters' },
      reason: 'bn.scale does not fit its filters: its value 3 is not the dense one’s',
    });
    const columns = { ...vector, tensor: 'input columns of b', consumer: 'b' };
    const found = judged({ disagreements: [columns, vector] });
    expect(found.problem).toBe('keeps other filters than b reads');
    expect(found.reason).toContain('(and 1 more tensors)');
  });

  it('leaves a layer open where it could not be compared, but none that is wrong', () => {
    expect(judged({ recovery: { open: [vector] } })).toMatchObject({
      ...{ verdict: 'unverifiable', reason: 'bn.scale could not be compared: its value 3 is not the dense one’s' },
    });
    expect(judged({ recovery: { open: [vector, vector] } }).reason).toContain('(and 1 more tensors)');
    expect(verdictOf({ recovery: { open: [vector], actual: [1, 3] } })).toBe('mismatch');
  });

  it('is wrong where filters hold zeros that should be gone', () => {
    const zeroed = { filters: [1, 3], parts: [['weight']] } as const;
    expect(judged({ recovery: { zeroed } })).toMatchObject({ verdict: 'mismatch', problem: 'is zeroed, not pruned' });
  });
});

describe('an order of filters', () => {
  it('that is not the dense one is wrong, with the right filters, with others, and where none are known', () => {
    const moved = { isPermuted: true, order: [2, 0] };
    expect(judged({ recovery: moved })).toMatchObject({
      ...{ verdict: 'mismatch', problem: 'keeps the right filters in another order' },
    });
    expect(judged({ recovery: moved, expected: { expected: null } }).reason).toContain('than in the dense model');
    for (const given of [{ recovery: { ...moved, actual: [1, 2] } }, { recovery: moved, expected: { expected: null } }])
      expect(judged(given)).toMatchObject({ verdict: 'mismatch', problem: 'keeps its filters in another order' });
  });

  it('is right where the spec allows it, and is that which the spec says', () => {
    const moved = { isPermuted: true, order: [2, 0] };
    const under = (isInOrder: ((order: readonly number[]) => boolean) | null) =>
      judged({ recovery: moved, expected: { form: { zeroes: null, isInOrder } } as Partial<LayerExpectation> });
    expect(under(null)).toMatchObject({
      verdict: 'match',
      reason: expect.stringContaining('another order than before'),
    });
    expect(under(() => true)).toMatchObject({
      verdict: 'match',
      reason: expect.stringContaining('order of importance'),
    });
    expect(under(() => false)).toMatchObject({ verdict: 'mismatch', specKey: 'order' });
  });
});

describe('a choice that nothing decides', () => {
  const tie = { certain: [0], candidates: [1, 2, 3], pick: 1 };

  it('is ambiguous where it is one of those that may be, and wrong where it is none', () => {
    expect(verdictOf({ expected: { tie } })).toBe('match');
    for (const at of [1, 3]) expect(verdictOf({ expected: { tie }, recovery: { actual: [0, at] } })).toBe('ambiguous');
    for (const actual of [[1, 2], [0], [0, 1, 2]])
      expect(verdictOf({ expected: { tie }, recovery: { actual } })).toBe('mismatch');
    const outside = { ...tie, candidates: [2, 3] };
    expect(verdictOf({ expected: { tie: outside }, recovery: { actual: [0, 1] } })).toBe('mismatch');
  });

  it('is wrong where its partners chose otherwise', () => {
    const rules = { isConsistent: false };
    expect(verdictOf({ expected: { tie }, recovery: { actual: [0, 3] }, rules })).toBe('mismatch');
    const alternatives = [
      [0, 2],
      [1, 3],
    ];
    expect(verdictOf({ expected: { alternatives }, rules })).toBe('mismatch');
    expect(verdictOf({ expected: { alternatives } })).toBe('ambiguous');
  });
});

describe('layers that choose together', () => {
  type Expectation = Parameters<typeof consistencyOf>[0];
  const layers = (...all: readonly (readonly [string, LayerExpectation['tie']])[]) =>
    new Map(all.map(([name, tie]) => [name, { ...EXPECTED, name, tie }]));
  const keeping = (kept: Readonly<Record<string, readonly number[]>>) => (name: string) => kept[name] ?? null;

  it('have one pick in every layer of a tie', () => {
    const tie = { certain: [], candidates: [0, 1], pick: 1 };
    const expectation = { joint: [], layers: layers(['a', tie], ['b', tie], ['c', null]) } as unknown as Expectation;
    const same = consistencyOf(expectation, keeping({ a: [1], b: [1], c: [0] }));
    expect(['a', 'b', 'c'].map(same)).toEqual([true, true, true]);
    const other = consistencyOf(expectation, keeping({ a: [1], b: [0], c: [0] }));
    expect(['a', 'b', 'c'].map(other)).toEqual([false, false, true]);
  });

  it('have one whole outcome of a joint choice', () => {
    const outcomes = [
      new Map([
        ['a', [0]],
        ['b', [0]],
      ]),
      new Map([
        ['a', [1]],
        ['b', [1]],
      ]),
    ];
    const joint = [{ layers: ['a', 'b'], outcomes }];
    const expectation = { joint, layers: layers(['a', null], ['b', null], ['c', null]) } as unknown as Expectation;
    const of = (a: number, b: number) => ['a', 'b', 'c'].map(consistencyOf(expectation, keeping({ a: [a], b: [b] })));
    expect(of(1, 1)).toEqual([true, true, true]);
    expect(of(0, 1)).toEqual([false, false, true]);
  });
});
