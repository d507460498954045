import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Follower, Layer, Network } from '../../src/network/index.ts';
import { isFloat, type OnnxFile, type OnnxTensor } from '../../src/onnx/index.ts';
import { type Cut, writeCut } from '../../src/surgery/index.ts';
import { refusal } from '../onnx/support.ts';
import { expectationOf, FIXTURES, type Golden, goldensIn, networkOf, SHARED, TORCH } from '../support/golden.ts';

const work = mkdtempSync(join(tmpdir(), 'prunegate-parity-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const fixtures = goldensIn(join(FIXTURES, 'golden'));
const beside = [...goldensIn(SHARED), ...goldensIn(TORCH)];
const goldens = [...fixtures, ...beside.filter(({ name }) => !fixtures.some((fixture) => fixture.name === name))];

/** Goldens that the real pruner cut wrongly, and what it says where they are to be cut rightly. */
const FAULTS: Readonly<Record<string, string>> = {
  // It takes the columns of a Dense behind a channels_first Flatten for those of a channels_last one.
  vgg_flatten_nchw: 'fc1',
  random_r2092_address_dependent: 'add_31: cannot be cut: Add ties conv_32 and conv_34, which keep different channels',
};

function cutOf(golden: Golden, dense: Network, asPruner: boolean): Cut {
  const retained = (layer: string) => golden.layers[layer]?.retained ?? null;
  const expectation = asPruner && golden.producer === 'tao' ? expectationOf(dense, golden.prune) : null;
  return {
    retained,
    asPruner: expectation === null ? null : { columns: (layer) => expectation.columnsCut(layer, retained) },
  };
}

/** Bits, shortened where there are many. */
const digest = (bits: Uint32Array): string =>
  bits.length <= 4 ? bits.join(' ') : `${bits.length}: ${createHash('sha1').update(bits).digest('hex')}`;

/** A layer's rows of the kernel by its named axes, element by element. */
function rowsOf(network: Network, layer: Layer): readonly string[] {
  const { weight } = layer;
  if (weight === null || 'opaque' in weight) return [];
  const { outCount, outStride, inCount, inStride, kernelOffsets } = weight;
  const bits = bitsOf(network.file, weight.tensor);
  const row = new Uint32Array(inCount * kernelOffsets.length);
  return Array.from({ length: outCount }, (_, r) => {
    for (let n = 0; n < row.length; n++) {
      const column = Math.floor(n / kernelOffsets.length);
      row[n] = bits[r * outStride + column * inStride + kernelOffsets[n % kernelOffsets.length]!]!;
    }
    return digest(row);
  });
}

function bitsOf(file: OnnxFile, tensor: OnnxTensor): Uint32Array {
  const { bytes } = file.readTensor(tensor);
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

const valuesOf = (network: Network, follower: Follower): readonly number[] => {
  const bits = bitsOf(network.file, follower.tensor);
  return Array.from(follower.channels, (_, k) => bits[k * follower.stride]!);
};

/** Everything that a network says, by layer name; names of tensors differ between exports. */
function contentsOf(network: Network): Map<string, unknown> {
  const contents = new Map<string, unknown>();
  for (const layer of network.layers) {
    if (layer.weight === null) continue;
    contents.set(layer.name, {
      groups: layer.groups,
      filters: layer.filters,
      columns: layer.calls.map(({ columns }) => (columns instanceof Int32Array ? columns.length : null)),
      shape: layer.output.shape,
      rows: rowsOf(network, layer),
    });
  }
  for (const follower of network.followers) {
    const key = `${follower.layer} ${follower.role}${follower.isComputed ? ' (computed)' : ''}`;
    contents.set(contents.has(key) ? `${key} 2` : key, valuesOf(network, follower));
  }
  return contents;
}

/** All tensors of weights as they are stored, whatever their names. */
const storedIn = (network: Network): string[] =>
  [...network.file.model.graph.initializers.values()]
    .filter(({ dtype, elements }) => isFloat(dtype) && elements > 1)
    .map((tensor) => `${tensor.dims} ${digest(bitsOf(network.file, tensor))}`)
    .sort();

describe.skipIf(beside.length === 0)('goldens beside the project (skipped where ../shared is not there)', () => {
  it('are tested with those in the project', () => expect(beside.length).toBeGreaterThan(0));
});

describe.each(goldens)('$name', (golden) => {
  const dense = networkOf(join(golden.folder, 'dense.onnx'));
  const real = networkOf(join(golden.folder, 'pruned.onnx'));
  const path = join(work, `${golden.name}.onnx`);
  const expected = contentsOf(real);

  it('is cut into the tensors of the real pruner, bit for bit', () => {
    writeCut(dense, cutOf(golden, dense, true), path, new Map());
    const cut = networkOf(path);
    expect(contentsOf(cut)).toEqual(expected);
    expect(storedIn(cut)).toEqual(storedIn(real));
  });

  it('is cut rightly, which is the same file wherever the real pruner is right', () => {
    const asPruner = readFileSync(path);
    rmSync(path);
    const cut = (): void => void writeCut(dense, cutOf(golden, dense, false), path, new Map());
    const fault = FAULTS[golden.name];
    if (fault?.includes('cannot be cut')) {
      expect(refusal(cut)).toContain(fault);
      expect(existsSync(path)).toBe(false);
      return;
    }
    cut();
    if (fault === undefined) return expect(Buffer.compare(readFileSync(path), asPruner)).toBe(0);
    const contents = contentsOf(networkOf(path));
    expect(contents.get(fault)).not.toEqual(expected.get(fault));
    expect(contents.set(fault, expected.get(fault))).toEqual(expected);
  });
});
