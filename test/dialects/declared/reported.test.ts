import { expect, it } from 'vitest';
import { network, rows } from '../../support/convs.ts';
import { declaredPruner } from '../../support/declared-golden.ts';

it('the history of Torch-Pruning, which many slimming scripts cut with, is read under a declared spec too', () => {
  const dense = network(
    [
      { name: 'a', from: 'x', kernel: rows(4, 2, 1) },
      { name: 'b', from: 'a', kernel: rows(4, 4, 2) },
    ],
    { producer: 'pytorch' },
  );
  const { named } = declaredPruner({ preset: 'network-slimming' }).readLog(
    JSON.stringify([['a', true, [1, 2]]]),
    dense,
  );
  expect(Object.fromEntries(named)).toEqual({ a: [0, 3], b: [0, 1, 2, 3] });
});
