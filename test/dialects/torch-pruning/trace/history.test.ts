import { describe, expect, it } from 'vitest';
import { network, rows } from '../../../support/convs.ts';
import { op } from '../../../support/onnx-builder.ts';
import { pruner } from '../support.ts';

/** a, something that hides channels, b, c. */
function model() {
  return network(
    [
      { name: 'a', from: 'x', kernel: rows(4, 2, 1) },
      { name: 'b', from: 'hidden', kernel: rows(4, 4, 2) },
      { name: 'c', from: 'b', kernel: rows(4, 4, 3) },
    ],
    { producer: 'pytorch', nodes: [op('Hidden', 'a', 'hidden', { domain: 'other', name: 'hidden' })] },
  );
}

const read = (...entries: readonly unknown[]) => {
  const { named, unread } = pruner({}).readLog(JSON.stringify(entries), model());
  return { named: Object.fromEntries(named), unread };
};

describe('the entries of a pruning history', () => {
  it('are those of a whole group, and what none touches keeps everything', () => {
    expect(read(['b', true, [1, 2]])).toEqual({ named: { a: [0, 1, 2, 3], b: [0, 3], c: [0, 1, 2, 3] }, unread: [] });
  });

  it('count what is left, step by step', () => {
    expect(read(['b', true, [0, 1]], ['b', true, [1]]).named).toMatchObject({ b: [2] });
  });

  it('that could not be followed leave unknown what they may concern, and the others are read', () => {
    expect(read(['b', false, [0]], ['b', true, [3]])).toEqual({
      named: { b: [0, 1, 2], c: [0, 1, 2, 3] },
      unread: [],
    });
  });

  it('that name no layer leave unknown what no other touches', () => {
    expect(read(['lost', true, [0]], ['c', true, [3]])).toEqual({
      named: { c: [0, 1, 2] },
      unread: ['lost, which is no layer of the dense model'],
    });
  });

  it('have the names of the model inside a wrapper', () => {
    expect(read(['module.c', true, [3]])).toMatchObject({ named: { c: [0, 1, 2] }, unread: [] });
  });
});
