import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Network } from '../../src/network/index.ts';
import { recoverRetention } from '../../src/recovery/index.ts';
import { type ConvInit, convs, cutRows, inMemory, type Rows, rows } from '../support/convs.ts';

const CHANNELS = 4;
const FILTERS = 8;

/** A layer in whose kernel few different rows stand, rows of zeros among them, and one that reads it. */
const models = fc
  .record({
    /** Which row each filter has; 0 is zeros. */
    dense: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: FILTERS, maxLength: FILTERS }),
    kept: fc.uniqueArray(fc.nat(FILTERS - 1), { minLength: 1, maxLength: FILTERS }),
    isWhole: fc.boolean(),
    zeroed: fc.uniqueArray(fc.nat(FILTERS - 1), { maxLength: 3 }),
    altered: fc.uniqueArray(fc.nat(FILTERS - 1), { maxLength: 2 }),
    preferred: fc.uniqueArray(fc.nat(FILTERS - 1), { maxLength: FILTERS }),
  })
  .map(({ dense, kept, isWhole, zeroed, altered, preferred }) => {
    const palette = [Array<number>(CHANNELS).fill(0), ...rows(3, CHANNELS, 1)];
    const kernel = dense.map((row) => palette[row]!);
    const own = isWhole ? [...kernel.keys()] : kept.sort((a, b) => a - b);
    const cut = cutRows(kernel, own, null).map((row, p) =>
      zeroed.includes(own[p]!)
        ? row.map(() => 0)
        : altered.includes(own[p]!)
          ? row.map((value, k) => (k === 1 ? value + 1 : value))
          : row,
    );
    const reader = rows(5, FILTERS, 2);
    const all = (own: readonly number[], first: Rows): readonly ConvInit[] => [
      { name: 'a', from: 'x', kernel: first },
      { name: 'b', from: 'a', kernel: cutRows(reader, [0, 1, 2, 3, 4], own) },
    ];
    return { dense: all([...kernel.keys()], kernel), pruned: all(own, cut), preferred };
  });

/** The network of a model whose weights are read into its buffer, as nearly all are. */
function stored(layers: readonly ConvInit[]): Network {
  const graph = convs(layers, { channels: CHANNELS });
  const weights = Object.entries(graph.weights!).map(([name, { dims, dataType, floatData }]) => {
    const rawData = new Uint8Array(Float32Array.from(floatData!).buffer);
    return [name, { dims, dataType, rawData }];
  });
  return inMemory({ ...graph, weights: Object.fromEntries(weights) });
}

/** Leaves nothing in the memory that weights are read into, as whoever reads others does. */
function readOver({ model }: Network): void {
  new Uint8Array(model.buffer.memory!.buffer).fill(0xa5);
}

describe('what a layer is to retain', () => {
  it('may be found out by reading weights while it is recovered what it retains', () => {
    fc.assert(
      fc.property(models, ({ dense, pruned, preferred }) => {
        const recover = (isReading: boolean) => {
          const [one, other] = [stored(dense), stored(pruned)];
          const asked = <T>(answer: T): T => {
            if (isReading) for (const each of [one, other]) readOver(each);
            return answer;
          };
          const allowed = { isRecalibrated: () => asked(false), isCompensated: () => asked(false) };
          const { correspondence, ...found } = recoverRetention(one, other, () => asked(preferred), null, allowed);
          return found;
        };
        expect(recover(true)).toEqual(recover(false));
      }),
      { numRuns: 200 },
    );
  });
});
