import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RetainedIndices } from '../../../src/network/index.ts';
import { fileIn } from '../../support/fixture-files.ts';
import { expectationOf, FIXTURES, goldensIn, networkOf } from '../../support/golden.ts';

const seed = goldensIn(join(FIXTURES, 'golden')).find(({ name }) => name === 'seed_mobilenet_v2')!;
const dense = networkOf(fileIn(seed.folder, 'dense.onnx'));
const expectation = expectationOf(dense, seed.prune);
const names = [...dense.prunable.keys()];

/** The first mistake under which every layer keeps what it does here. */
function causeOf(actual: (layer: string) => RetainedIndices): string | null {
  for (const { test } of expectation.hypotheses({ prunedFile: 'pruned.onnx', actual })) {
    const variant = test();
    if (variant === null) continue;
    const { cause, layers } = variant;
    if (names.every((name) => String(layers.get(name)?.expected) === String(actual(name)))) return cause;
  }
  return null;
}

/** So many filters of a layer, those with the largest norms of its own. */
function largest(layer: string, count: number): RetainedIndices {
  const { norms } = expectation.explainLayer(layer)!.members[0]!;
  const order = [...norms.keys()].sort((a, b) => norms[b]! - norms[a]!);
  return order.slice(0, count).sort((a, b) => a - b);
}

describe('mistakes that the search knows', () => {
  it('a threshold taken for the fraction of filters that goes, or stays', () => {
    const filters = (layer: string): number => dense.prunable.get(layer)!.filters;
    const goes = (layer: string) => largest(layer, Math.round((1 - 0.68) * filters(layer)));
    expect(causeOf(goes)).toBe(
      'Each layer keeps all but the fraction 0.68 of filters with the largest norms: the threshold cuts normalized norms, it is no fraction.',
    );
    const stays = (layer: string) => largest(layer, Math.ceil(0.68 * filters(layer)));
    expect(causeOf(stays)).toMatch(/^Each layer keeps the fraction 0\.68 of filters with the largest norms/);
  });

  it('nothing, where no mistake fits', () => {
    expect(causeOf((layer) => [0, 1, 2, 5].filter((filter) => filter < dense.prunable.get(layer)!.filters))).toBeNull();
  });
});
