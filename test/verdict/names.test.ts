import { describe, expect, it } from 'vitest';
import type { RetainedIndices } from '../../src/network/index.ts';
import { recoverRetention } from '../../src/recovery/index.ts';
import { judge } from '../../src/verdict/index.ts';
import { cutRows, network, rows } from '../support/convs.ts';
import { expectationOf } from '../support/golden.ts';

const kernels = { stem: rows(8, 3, 1), head: rows(4, 8, 2) };
const chain = (stem: readonly (readonly number[])[], head: readonly (readonly number[])[]) =>
  network(
    [
      { name: 'stem', from: 'x', kernel: stem },
      { name: 'head', from: 'stem', kernel: head },
    ],
    { channels: 3, producer: 'tf2onnx' },
  );
const dense = chain(kernels.stem, kernels.head);
const upTo = (count: number): RetainedIndices => Array.from({ length: count }, (_, k) => k);

/** What becomes of a model whose first layer keeps these filters, under a spec that misspells its name. */
function verdictOf(kept: RetainedIndices, excluded: readonly string[]) {
  const expectation = expectationOf(dense, {
    ...{ threshold: 2, granularity: 2, min_num_filters: 2, excluded_layers: ['head', ...excluded] },
  });
  const pruned = chain(cutRows(kernels.stem, kept, upTo(3)), cutRows(kernels.head, upTo(4), kept));
  const { verdict, layers, notes } = judge({
    ...{ dense, expectation, tolerance: null },
    recovery: recoverRetention(dense, pruned, undefined, null),
  });
  return { verdict, reason: layers[0]!.reason, notes, expected: expectation.layers.get('stem')!.expected! };
}

describe('a name in excluded_layers that no layer of the dense model has', () => {
  it('excludes nothing, as in TAO itself, where the model was pruned so', () => {
    const { expected } = verdictOf(upTo(8), []);
    expect(verdictOf(expected, ['stemm'])).toMatchObject({ verdict: 'conforms', notes: [] });
  });

  it('is no divergence where the layer was kept that it could mean', () => {
    expect(verdictOf(upTo(8), ['stemm'])).toMatchObject({
      verdict: 'unverifiable',
      reason:
        'excluded_layers names stemm, which is no layer of the dense model and could mean stem, and it keeps other filters than the spec asks without it for',
    });
  });

  it('excuses no layer that it does not resemble', () => {
    expect(verdictOf(upTo(8), ['decoder_output']).verdict).toBe('diverges');
  });
});
