import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isRight, networkOf } from '../support/golden.ts';
import { tf1Expectation, tf1Goldens } from '../support/golden-tf1.ts';

const [models, odd, errors] = [tf1Goldens(''), tf1Goldens('odd'), tf1Goldens('errors')];
const pruned = [...models.own, ...models.others, ...odd.own, ...odd.others];

describe.skipIf(models.others.length === 0)(
  'goldens of TAO TF1 beside the project (skipped where ../shared is not there)',
  () => {
    it('are tested with those in the project', () => {
      expect(odd.others.length).toBeGreaterThan(0);
      expect(errors.others.length).toBeGreaterThan(0);
    });
  },
);

describe.each(pruned)('$name', ({ folder, network, prune, layers, groups, grid, name: golden }) => {
  const dense = networkOf(join(folder, 'dense.onnx'));
  const sorted = (members: readonly (readonly string[])[]): string[] =>
    members.map((one) => [...one].sort().join()).sort();

  it('is expected to retain what the real pruner retained, exploring and afterwards, in its groups', () => {
    const expectation = tf1Expectation(dense, network, prune);
    expect(expectation.refusal?.always ?? false).toBe(false);
    expect([...dense.prunable.keys()].sort()).toEqual(Object.keys(layers).sort());
    for (const [name, { filters, retained, exploring }] of Object.entries(layers)) {
      expect(dense.prunable.get(name)?.filters, name).toBe(filters);
      const expected = expectation.layers.get(name);
      expect(isRight(expectation, name, retained), `${name} retained ${retained}, expected ${expected?.expected}`).toBe(
        true,
      );
      if (golden !== 'ties_nchw') expect(expected?.exploring, name).toEqual(exploring);
    }
    expect(sorted(expectation.groups.map(({ members }) => members))).toEqual(sorted(groups));
  });

  it.runIf(grid.length > 0)('is expected to retain the same for every spec of its grid', () => {
    for (const [k, row] of grid.entries()) {
      const expectation = tf1Expectation(dense, network, row.prune);
      for (const [name, retained] of Object.entries(row.layers)) {
        const told = `row ${k} ${name}: ${JSON.stringify(row.prune)} retained ${retained}, expected ${expectation.layers.get(name)?.expected}`;
        expect(isRight(expectation, name, retained), told).toBe(true);
      }
    }
  });
});

describe('models on which the real pruner raises', () => {
  it.each([...errors.own, ...errors.others])('$name: $raises', ({ folder, network, prune, raises }) => {
    expect(tf1Expectation(networkOf(join(folder, 'dense.onnx')), network, prune).refusal?.message).toBe(raises);
  });
});
