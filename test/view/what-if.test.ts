import { join } from 'node:path';
import { expect, it } from 'vitest';
import { keptUnder } from '../../src/view/what-if.ts';
import { fileIn } from '../support/fixture-files.ts';
import { expectationOf, FIXTURES, goldensIn, networkOf } from '../support/golden.ts';

const goldens = goldensIn(join(FIXTURES, 'golden'));
let compared = 0;

it.each(goldens)('$name: another threshold keeps as many filters as the real pruner does under it', (golden) => {
  const network = networkOf(fileIn(golden.folder, 'dense.onnx'));
  const specs = [golden.prune, ...golden.grid.slice(0, 1).map(({ prune }) => prune)];
  for (const prune of specs) {
    const expectation = expectationOf(network, prune);
    const others = golden.grid.filter(({ prune: other }) => sameButThreshold(prune, other));
    for (const [name, { expected }] of expectation.layers) {
      const rule = expectation.countRule?.(name) ?? null;
      const explanation = expectation.explainLayer(name);
      if (rule === null || explanation === null) continue;
      const values = numbers(explanation.merged);
      expect([name, keptUnder(rule, values, rule.value)]).toEqual([name, expected!.length]);
      for (const { prune: other, layers } of others) {
        expect([name, other['threshold'], keptUnder(rule, values, Number(other['threshold']))]).toEqual([
          ...[name, other['threshold'], layers[name]!.length],
        ]);
        compared += 1;
      }
    }
  }
});

it('thresholds of the grid were compared', () => {
  expect(compared).toBeGreaterThan(30);
});

function sameButThreshold(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
  const without = ({ threshold: _, ...rest }: Record<string, unknown>) => JSON.stringify(rest);
  return without(a) === without(b);
}

function numbers(merged: readonly number[]): Float32Array | Float64Array {
  const single = Float32Array.from(merged);
  return single.every((value, k) => value === merged[k]) ? single : Float64Array.from(merged);
}

it('a share leaves what int(n * (1 - ratio)) says, rounded down, and a layer that would lose all alone', () => {
  const rule = { kind: 'share', key: 'pruning_ratio', value: 0.5, least: 1, multiple: 8 } as const;
  const values = new Float32Array(60);
  expect([0, 0.25, 0.5, 0.9, 0.99].map((at) => keptUnder(rule, values, at))).toEqual([60, 40, 24, 60, 60]);
});
