import fc from 'fast-check';
import { expect, it } from 'vitest';
import { alongAxis, type ChannelMap, FIXED_CHANNEL, reshapeMap, transposeMap } from '../../src/network/channels.ts';

/** The channel of every element of a tensor, row-major. */
function elements({ shape, axes, ids }: ChannelMap): number[] {
  const sizes = shape.map((size) => size!);
  const count = sizes.reduce((n, size) => n * size, 1);
  return Array.from({ length: count }, (_, at) => {
    const indices = sizes.map((size, axis) => Math.floor(at / sizes.slice(axis + 1).reduce((n, s) => n * s, 1)) % size);
    return ids[ids.length === 1 ? 0 : axes.reduce((n, axis) => n * sizes[axis]! + indices[axis]!, 0)]!;
  });
}

const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 4 });
const maps = fc.tuple(shapes, fc.nat()).map(([shape, k]) => {
  const axis = k % shape.length;
  return alongAxis(
    shape,
    axis,
    Int32Array.from({ length: shape[axis]! }, (_, at) => at),
  );
});
const permutations = (rank: number) =>
  fc.shuffledSubarray([...Array(rank).keys()], { minLength: rank, maxLength: rank });

it('a Reshape leaves every element its channel', () => {
  fc.assert(
    fc.property(
      maps.chain((map) => fc.tuple(fc.constant(map), permutations(map.shape.length))),
      ([map, order]) => {
        // Another shape of as many elements: the sizes in another order, or all in one.
        for (const target of [order.map((axis) => map.shape[axis]!), [elements(map).length]]) {
          const after = reshapeMap(map, target);
          if (after === null) continue;
          expect(after.shape).toEqual(target);
          expect(elements(after)).toEqual(elements(map));
        }
        expect(reshapeMap(map, [elements(map).length])).not.toBeNull();
      },
    ),
    { seed: 1, numRuns: 500 },
  );
});

it('a Transpose moves every element with its channel, and its inverse moves it back', () => {
  fc.assert(
    fc.property(
      maps.chain((map) => fc.tuple(fc.constant(map), permutations(map.shape.length))),
      ([map, perm]) => {
        const there = transposeMap(map, perm);
        expect(there.shape).toEqual(perm.map((axis) => map.shape[axis]));
        expect([...elements(there)].sort()).toEqual([...elements(map)].sort());
        const back = transposeMap(
          there,
          perm.map((_, axis) => perm.indexOf(axis)),
        );
        expect(elements(back)).toEqual(elements(map));
      },
    ),
    { seed: 1, numRuns: 500 },
  );
});

it('is not followed through a Reshape whose sizes are not known, unless they stand opposite each other', () => {
  const map = alongAxis([null, 2, 3], 1, Int32Array.of(0, FIXED_CHANNEL));
  expect(reshapeMap(map, [null, 6])).toMatchObject({ shape: [null, 6] });
  expect(reshapeMap(map, [6, null])).toBeNull();
});
