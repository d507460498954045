import { describe, expect, it } from 'vitest';
import { normsInPassing, readNorms } from '../../../src/dialects/tao/norms/norms.ts';
import { type FilterBlock, filterBlocks, type Network, readNetwork, type Weight } from '../../../src/network/index.ts';
import { memoryModel, readModel } from '../../../src/onnx/index.ts';
import { modelBytes, op, zeros } from '../../support/onnx-builder.ts';

/** Three blocks, of which the last has filters left over. */
const [ROWS, COLUMNS] = [75, 800];
const rawData = new Uint8Array(
  Float32Array.from({ length: ROWS * COLUMNS * 9 }, (_, k) => Math.sin(1 + 1.7 * k)).buffer,
);
const bytes = modelBytes({
  inputs: { x: [1, COLUMNS, 8, 8] },
  weights: { w: { ...zeros([ROWS, COLUMNS, 3, 3]), rawData } },
  nodes: [op('Conv', ['x', 'w'], 'a', { name: 'a' })],
  outputs: ['a'],
});

/** A network, and how many bytes of it were read since. */
function counted(): { readonly network: Network; read(): number } {
  let count = 0;
  const source = memoryModel('model.onnx', bytes);
  const network = readNetwork(
    readModel({
      ...source,
      read(target, position, length) {
        count += length;
        source.read(target, position, length);
      },
    }),
  );
  count = 0;
  return { network, read: () => count };
}

const weightOf = (network: Network): Weight => network.prunable.get('a')!.weight as Weight;
const valuesOf = (network: Network) => [...readNorms(network, 'raw').values()];

/** Reads some blocks of a network's weight as recovery does: into its buffer, with something else behind the room that is asked for. */
function pass(network: Network, pick: (all: readonly FilterBlock[]) => readonly FilterBlock[]): void {
  const onlooker = normsInPassing(network, 'raw');
  const weight = weightOf(network);
  const { buffer } = network.model;
  const all = filterBlocks(weight);
  const behind = (length: number): Uint8Array =>
    new Uint8Array(buffer.memory!.buffer, length + onlooker.room(all[0]!.weight));
  for (const block of pick(all)) {
    const data = block.weight.tensor.read(buffer);
    behind(all[0]!.weight.outCount * COLUMNS * 36).fill(0x77);
    onlooker.see(weight, block, data);
    expect(behind(all[0]!.weight.outCount * COLUMNS * 36).every((byte) => byte === 0x77)).toBe(true);
  }
}

const expected = valuesOf(counted().network);

describe('norms of weights that are read for another purpose', () => {
  it('are those of weights that are read for them, which are not read again', () => {
    const { network, read } = counted();
    pass(network, (all) => all);
    const once = read();
    expect(valuesOf(network)).toEqual(expected);
    expect(once).toBe(rawData.length);
    expect(read()).toBe(once);
  });

  it.each<[string, (all: readonly FilterBlock[]) => readonly FilterBlock[]]>([
    ['was missed', (all) => all.slice(1)],
    ['was left out', (all) => all.filter((_, k) => k !== 1)],
    ['did not come', (all) => all.slice(0, -1)],
    ['came out of its turn', (all) => all.toReversed()],
  ])('are read as ever where a block %s', (_, pick) => {
    const { network, read } = counted();
    expect(filterBlocks(weightOf(network))).toHaveLength(3);
    pass(network, pick);
    const before = read();
    expect(valuesOf(network)).toEqual(expected);
    expect(read() - before).toBe(rawData.length);
  });

  /** Has all blocks of a weight pass. */
  function passAll(network: Network, weight: Weight, folding: 'raw' | 'folded'): void {
    const onlooker = normsInPassing(network, folding);
    for (const block of filterBlocks(weight))
      onlooker.see(weight, block, block.weight.tensor.read(network.model.buffer));
  }

  it("are the layer's where a copy with factors of its own is read, which stands for it where BatchNorm is folded in", () => {
    const { network, read } = counted();
    passAll(network, { ...weightOf(network), rowScale: new Float64Array(ROWS).fill(2) }, 'raw');
    const before = read();
    expect(valuesOf(network)).toEqual(expected);
    expect(read()).toBe(before);
  });

  it.each<[string, 'raw' | 'folded', (weight: Weight) => Weight]>([
    ['of layers that have none', 'folded', (weight) => weight],
    ['of a weight that is read in another way', 'raw', (weight) => ({ ...weight, inCount: COLUMNS - 1 })],
    [
      "of another's",
      'raw',
      (weight) => ({ ...weight, tensor: { ...weight.tensor, read: (to) => weight.tensor.read(to) } }),
    ],
  ])('are not computed %s', (_, folding, seen) => {
    const { network, read } = counted();
    passAll(network, seen(weightOf(network)), folding);
    const before = read();
    expect([...readNorms(network, folding).values()][0]).toHaveProperty(folding === 'raw' ? 'values' : 'unknown');
    const { network: other } = counted();
    expect(valuesOf(network)).toEqual(valuesOf(other));
    expect(read() - before).toBe(rawData.length);
  });
});
