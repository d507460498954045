import { describe, expect, it } from 'vitest';
import { network, rows } from '../../../support/convs.ts';
import { counts, expectationOf } from '../support.ts';

/** Three convolutions in a row, called as an exporter called them. */
function chain(names: readonly string[]) {
  const [a, b, c] = names as [string, string, string];
  const all = [
    { name: a, from: 'x', kernel: rows(8, 2, 1) },
    { name: b, from: a, kernel: rows(8, 8, 2) },
    { name: c, from: b, kernel: rows(4, 8, 3) },
  ];
  return network(all, { producer: 'pytorch' });
}

describe('names of a spec', () => {
  it('mean the layers under one prefix where the model was wrapped for its export, which is said', () => {
    const expectation = expectationOf(chain(['model.a', 'model.b', 'model.c']), {
      ignored_layers: ['c', 'a'],
      pruning_ratio_dict: { b: 0.25 },
    });
    expect(counts(expectation)).toEqual({ 'model.a': 8, 'model.b': 6, 'model.c': 4 });
    expect(expectation.lint(null)).toMatchObject([
      {
        rule: 'names-under-prefix',
        message: "the spec's names are under model in the dense model, and are taken so: c is model.c",
      },
    ]);
  });

  it('mean the layers without the prefix that DataParallel gave them', () => {
    const expectation = expectationOf(chain(['a', 'b', 'c']), { ignored_layers: ['module.c'] });
    expect(counts(expectation)).toEqual({ a: 4, b: 4, c: 4 });
    expect(expectation.lint(null)[0]!.message).toContain('without module in the dense model');
  });

  it('that mean no layer leave open what they could mean, and no more', () => {
    const expectation = expectationOf(chain(['a', 'b', 'head.c']), { ignored_layers: ['c', 'a'] });
    expect(counts(expectation)).toEqual({
      a: 8,
      b: 4,
      'head.c': 'ignored_layers names c, which is no layer of the dense model: did you mean head.c?',
    });
  });

  it('that mean no layer leave all open whose names the export lost', () => {
    const found = counts(expectationOf(chain(['/Conv', '/Conv_1', 'c']), { ignored_layers: ['fc'] }));
    const open = 'ignored_layers names fc, which is no layer of the dense model, whose export lost names';
    expect(found).toEqual({ '/Conv': open, '/Conv_1': open, c: 2 });
  });

  it('that are misspelt leave open what is spelt nearly so', () => {
    const found = counts(expectationOf(chain(['stem', 'body', 'head']), { ignored_layers: ['heads'] }));
    expect(found).toEqual({
      ...{ stem: 4, body: 4 },
      head: 'ignored_layers names heads, which is no layer of the dense model: did you mean head?',
    });
  });

  it('that nothing in the graph could be are only remarked on', () => {
    const expectation = expectationOf(chain(['a', 'b', 'c']), { ignored_layers: ['aux_head', 'c'] });
    expect(counts(expectation)).toEqual({ a: 4, b: 4, c: 4 });
    expect(expectation.lint(null)).toMatchObject([{ rule: 'unknown-module' }]);
  });
});
