import { describe, expect, it } from 'vitest';
import { lowest, upToThreshold } from '../../../../src/dialects/torch-pruning/cut/ranking.ts';

const scores = (values: readonly number[], error = 0) => ({
  values: Float64Array.from(values),
  errors: new Float64Array(values.length).fill(error),
});

describe('the channels that score lowest', () => {
  it('go, in ascending order, and nothing is unsure where scores are apart', () => {
    expect(lowest(scores([3, 1, 4, 2]), 2)).toEqual({ pruned: [1, 3], unsure: null });
    expect(lowest(scores([3, 1, 4, 2]), 0)).toEqual({ pruned: [], unsure: null });
    expect(lowest(scores([3, 1, 4, 2]), 4)).toEqual({ pruned: [0, 1, 2, 3], unsure: null });
  });

  it('are any of those that are equal at the cut, as topk promises no order', () => {
    expect(lowest(scores([1, 2, 2, 2, 3]), 2)).toEqual({
      pruned: [0, 1],
      unsure: { candidates: [1, 2, 3], pick: 1 },
    });
  });

  it('are any of those that rounding may exchange', () => {
    expect(lowest(scores([1, 2, 2.1, 3], 0.06), 2).unsure).toEqual({ candidates: [1, 2], pick: 1 });
    expect(lowest(scores([1, 2, 2.1, 3], 0.04), 2).unsure).toBeNull();
    expect(lowest(scores([3, 2.1, 2, 1], 0.06), 2).unsure).toEqual({ candidates: [1, 2], pick: 1 });
  });
});

describe('everything up to a threshold', () => {
  it('is more than was asked for where scores equal it', () => {
    expect(upToThreshold(scores([1, 2, 2, 2, 3]), 2)).toEqual({ pruned: [0, 1, 2, 3], threshold: 2, unsure: null });
    expect(upToThreshold(scores([1, 2, 4, 3]), 2)).toEqual({ pruned: [0, 1], threshold: 2, unsure: null });
    expect(upToThreshold(scores([2, 3, 1, 2.5]), 2)).toEqual({ pruned: [0, 2], threshold: 2, unsure: null });
  });

  it('is at least what was asked for where rounding decides whether scores equal it', () => {
    expect(upToThreshold(scores([1, 2, 2.01, 3], 0.1), 2)).toEqual({
      pruned: [0, 1],
      threshold: 2,
      unsure: { candidates: [1, 2], pick: 1 },
    });
    // What certainly goes is none of the candidates.
    expect(upToThreshold(scores([1, 2, 2.05, 2.1, 5], 0.1), 3).unsure).toEqual({ candidates: [1, 2, 3], pick: 2 });
  });
});
