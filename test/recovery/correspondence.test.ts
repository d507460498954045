import { describe, expect, it } from 'vitest';
import { FIXED_CHANNEL, type Layer, type Network } from '../../src/network/index.ts';
import { correspond, type OpenCorrespondence } from '../../src/recovery/correspondence.ts';

/** Two layers a and b, of so many filters each, one behind the other: channels are numbered through. */
function twoLayers(a: number, b: number): { readonly network: Network; readonly layers: readonly [Layer, Layer] } {
  const layers = [
    { id: 0, firstChannel: 0, filters: a },
    { id: 1, firstChannel: a, filters: b },
  ] as unknown as [Layer, Layer];
  const channelOwner = Int32Array.from([...new Array<number>(a).fill(0), ...new Array<number>(b).fill(1)]);
  return { network: { channelOwner, layers } as unknown as Network, layers };
}

/** Dense: a has channels 0 to 3, b 4 to 6. Pruned: a has 0 and 1, b 2 and 3. */
function pair(): { readonly found: OpenCorrespondence; readonly pruned: readonly [Layer, Layer] } {
  const [dense, pruned] = [twoLayers(4, 3), twoLayers(2, 2)];
  const partner = new Map([
    [0, dense.layers[0]],
    [1, dense.layers[1]],
  ]);
  const found = correspond({ dense: dense.network, pruned: pruned.network, partner, calls: new Map() });
  return { found, pruned: pruned.layers };
}

const ids = (...all: readonly number[]): Int32Array => Int32Array.from(all);

describe('a pruned channel', () => {
  it('is known once its layer’s filters are', () => {
    const { found, pruned } = pair();
    expect(found.denseChannel(0)).toBeNull();
    found.assign(pruned[0], ids(1, 3));
    expect([0, 1].map(found.denseChannel)).toEqual([1, 3]);
    expect([2, 3].map(found.denseChannel)).toEqual([null, null]);
    found.assign(pruned[1], ids(2, -1));
    expect([2, 3].map(found.denseChannel)).toEqual([6, null]);
    expect(found.denseChannel(FIXED_CHANNEL)).toBe(FIXED_CHANNEL);
    expect(found.assigned.get(1)).toEqual(ids(2, -1));
  });

  it('is sure but where another dense filter could be it', () => {
    const { found, pruned } = pair();
    found.assign(pruned[0], ids(1, 3));
    found.assign(pruned[1], ids(0, 2), [1]);
    expect([0, 1, 2, 3].map(found.isSure)).toEqual([true, true, true, false]);
  });
});

it('a dense channel is gone where its layer was found without it, and not before', () => {
  const { found, pruned } = pair();
  expect([0, 1, 2, 3].map(found.isGone)).toEqual([false, false, false, false]);
  found.assign(pruned[0], ids(1, 3));
  expect([0, 1, 2, 3].map(found.isGone)).toEqual([true, false, true, false]);
  expect([4, 5, 6].map(found.isGone)).toEqual([false, false, false]);
});

describe('positions in a list of dense channels', () => {
  const known = (): OpenCorrespondence => {
    const { found, pruned } = pair();
    found.assign(pruned[0], ids(1, 3));
    found.assign(pruned[1], ids(2, 0));
    return found;
  };

  it('are those of the channels that the pruned ones are, in their order', () => {
    expect(known().positions(ids(0, 1, 2, 3), ids(0, 1))).toEqual(ids(1, 3));
    // b stands in another order; behind a concatenation come both.
    expect(known().positions(ids(4, 5, 6), ids(2, 3))).toEqual(ids(2, 0));
    expect(known().positions(ids(4, 5, 6, 0, 1, 2, 3), ids(2, 3, 0, 1))).toEqual(ids(2, 0, 4, 6));
  });

  it('are one for each time that a channel occurs, as behind a flatten', () => {
    expect(known().positions(ids(0, 0, 1, 1, 2, 2, 3, 3), ids(0, 0, 1, 1))).toEqual(ids(2, 3, 6, 7));
    expect(
      known().positions(ids(0, FIXED_CHANNEL, 1, 3, FIXED_CHANNEL), ids(FIXED_CHANNEL, 0, 1, FIXED_CHANNEL)),
    ).toEqual(ids(1, 2, 3, 4));
  });

  it('are none where a channel is not known, is not there, or one that was kept is left out', () => {
    const found = known();
    expect(found.positions(ids(0, 1, 2, 3), ids(0, 0))).toBeNull();
    expect(found.positions(ids(0, 1, 2, 3), ids(0))).toBeNull();
    expect(found.positions(ids(0, 1, 2), ids(1))).toBeNull();
    expect(found.positions(null, ids(0))).toBeNull();
    expect(found.positions(ids(0), null)).toBeNull();
    const { found: open, pruned } = pair();
    open.assign(pruned[0], ids(1, -1));
    expect(open.positions(ids(0, 1, 2, 3), ids(0, 1))).toBeNull();
  });

  it('of one list say nothing of another', () => {
    const found = known();
    const pruned = ids(0, 1);
    expect(found.positions(ids(0, 1, 2, 3), pruned)).toEqual(ids(1, 3));
    expect(found.positions(ids(3, 2, 1, 0), pruned)).toEqual(ids(2, 0));
    expect(found.positions(ids(0, 1, 2), pruned)).toBeNull();
    expect(found.positions(ids(0, 1, 2, 3), pruned)).toEqual(ids(1, 3));
  });
});
