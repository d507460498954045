import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Follower, Layer, Network } from '../../src/network/index.ts';
import { isFloat, type Tensor } from '../../src/onnx/index.ts';
import type { Cut } from '../../src/surgery/index.ts';
import { refusal } from '../onnx/support.ts';
import { resultsOf, writeCutTo } from '../support/cutting.ts';
import { fileIn } from '../support/fixture-files.ts';
import { expectationOf, FIXTURES, type Golden, goldensIn, networkOf, SHARED } from '../support/golden.ts';
import {
  FIXTURES as TORCH,
  SHARED as TORCH_SHARED,
  type TorchGolden,
  torchGoldensIn,
} from '../support/torch-golden.ts';

const work = mkdtempSync(join(tmpdir(), 'prunegate-parity-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** A model, and what a real pruner made of it. */
interface Pair {
  readonly name: string;
  readonly dense: string;
  readonly pruned: string;
  readonly retained: Cut['retained'];
  /** What weights retain that are named by no layer, by the tensor's name. */
  readonly parameters: TorchGolden['parameters'];
  /** TAO's pruner has ways of its own to cut, which hang on the norms: its spec, and the model that tells them. */
  /** Whether the model cut must compute what the real pruner's does. */
  readonly isRun: boolean;
  readonly tao: { readonly prune: Record<string, unknown>; readonly unfolded: string } | null;
}

/** How the same model is exported with BatchNorm folded, and by PyTorch's newer exporter. */
const EXPORTS = ['', '.folded', '.dynamo'];

function pairsIn(goldens: readonly (Golden | TorchGolden)[]): Pair[] {
  return goldens.flatMap((golden) =>
    EXPORTS.flatMap((how) => {
      const [dense, pruned] = ['dense', 'pruned'].map((file) => fileIn(golden.folder, `${file}${how}.onnx`));
      if (!existsSync(dense!) || !existsSync(pruned!)) return [];
      const retained = (layer: string) => golden.layers[layer]?.retained ?? null;
      const tao = 'prune' in golden ? { prune: golden.prune, unfolded: fileIn(golden.folder, 'dense.onnx') } : null;
      const isRun = 'parameters' in golden && golden.folder.includes('attention') && !SCALED.includes(golden.name);
      const parameters = 'parameters' in golden ? golden.parameters : {};
      return [{ name: golden.name + how, dense: dense!, pruned: pruned!, retained, parameters, tao, isRun }];
    }),
  );
}

/** Heads that share a key's of which some go. */
const NOT_CUT = ['gqa_heads8'];
/** Weights of both directions, which are one tensor where they are cut. */
const LAID_TOGETHER = ['crnn_local', 'crnn_local.dynamo'];
/** Their scales are numbers in the dense export, which stay: the model computes other ones. */
const SCALED = ['made_vit'];
const attentionIn = (folder: string): TorchGolden[] =>
  torchGoldensIn(folder).filter(({ name }) => !NOT_CUT.includes(name));

const fixtures = pairsIn([
  ...goldensIn(join(FIXTURES, 'golden')),
  ...torchGoldensIn(TORCH),
  ...attentionIn(join(TORCH, 'attention')),
]);
const beside = pairsIn([
  ...goldensIn(SHARED),
  ...torchGoldensIn(TORCH_SHARED),
  ...attentionIn(join(TORCH_SHARED, '../golden_attention')),
]);
const pairs = [...fixtures, ...beside.filter(({ name }) => !fixtures.some((fixture) => fixture.name === name))];

/** Goldens that the real pruner cut wrongly, and what it says where they are to be cut rightly. */
const FAULTS: Readonly<Record<string, string>> = {
  // It takes the columns of a Dense behind a channels_first Flatten for those of a channels_last one.
  vgg_flatten_nchw: 'fc1',
  random_r2092_address_dependent: 'add_31: cannot be cut: Add ties conv_32 and conv_34, which keep different channels',
};

/** The cut that a pair is compared with, with the faults of its pruner or without. */
function cutOf({ retained: named, parameters, tao }: Pair, dense: Network, asPruner: boolean): Cut {
  const retained = (layer: string) => {
    const weight = dense.prunable.get(layer)?.weight ?? null;
    return named(layer) ?? (weight !== null && 'tensor' in weight ? parameters[weight.tensor.name] : null) ?? null;
  };
  const expectation = asPruner && tao !== null ? expectationOf(networkOf(tao.unfolded), tao.prune) : null;
  return { retained, asPruner: expectation === null ? null : { columns: expectation.columnsCut(retained) } };
}

/** Bits, shortened where there are many. */
const digest = (bits: Uint32Array): string =>
  bits.length <= 4 ? bits.join(' ') : `${bits.length}: ${createHash('sha1').update(bits).digest('hex')}`;

/** A layer's rows of the kernel by its named axes, element by element. */
function rowsOf(layer: Layer): readonly string[] {
  const { weight } = layer;
  if (weight === null || 'opaque' in weight) return [];
  const { outCount, outStride, inCount, inStride, kernelOffsets } = weight;
  const bits = bitsOf(weight.tensor);
  const row = new Uint32Array(inCount * kernelOffsets.length);
  return Array.from({ length: outCount }, (_, r) => {
    for (let n = 0; n < row.length; n++) {
      const column = Math.floor(n / kernelOffsets.length);
      row[n] = bits[r * outStride + column * inStride + kernelOffsets[n % kernelOffsets.length]!]!;
    }
    return digest(row);
  });
}

function bitsOf(tensor: Tensor): Uint32Array {
  const { bytes } = tensor.read();
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

const valuesOf = (follower: Follower): readonly number[] => {
  const bits = bitsOf(follower.tensor);
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
      rows: rowsOf(layer),
    });
  }
  for (const follower of network.followers) {
    const key = `${follower.layer} ${follower.role}${follower.isComputed ? ' (computed)' : ''}`;
    contents.set(contents.has(key) ? `${key} 2` : key, valuesOf(follower));
  }
  return contents;
}

/** All tensors of weights as they are stored, whatever their names. */
const storedIn = (network: Network): string[] =>
  [...network.model.graph.initializers.values()]
    .filter(({ dtype, elements }) => isFloat(dtype) && elements > 1)
    .map((tensor) => `${tensor.dims} ${digest(bitsOf(tensor))}`)
    .sort();

const storedElements = (network: Network): number =>
  [...network.model.graph.initializers.values()].reduce(
    (n, { elements, dtype }) => n + (isFloat(dtype) ? elements : 0),
    0,
  );

describe.skipIf(beside.length === 0)('goldens beside the project (skipped where ../shared is not there)', () => {
  it('are tested with those in the project', () => expect(beside.length).toBeGreaterThan(0));
});

describe.each(pairs)('$name', (pair) => {
  const dense = networkOf(pair.dense);
  const real = networkOf(pair.pruned);
  const path = join(work, `${pair.name}.onnx`);
  const expected = contentsOf(real);

  it('is cut into the tensors of the real pruner, bit for bit', () => {
    writeCutTo(path, dense, cutOf(pair, dense, true));
    const cut = networkOf(path);
    expect(contentsOf(cut)).toEqual(expected);
    if (LAID_TOGETHER.includes(pair.name)) expect(storedElements(cut)).toBe(storedElements(real));
    else expect(storedIn(cut)).toEqual(storedIn(real));
  });

  it.runIf(pair.isRun)('computes what the real one does', async () => {
    const [own, theirs] = [await resultsOf(path), await resultsOf(pair.pruned)];
    expect(own.length).toBe(theirs.length);
    for (const [k, values] of own.entries()) {
      const largest = Math.max(...theirs[k]!.map(Math.abs));
      expect(Math.max(...values.map((value, at) => Math.abs(value - theirs[k]![at]!)))).toBeLessThan(1e-5 * largest);
    }
  });

  it('is cut rightly, which is the same file wherever the real pruner is right', () => {
    const asPruner = readFileSync(path);
    rmSync(path);
    const cut = (): void => void writeCutTo(path, dense, cutOf(pair, dense, false));
    const fault = FAULTS[pair.name.replace(/\.(folded|dynamo)$/, '')];
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

/** A Python with the onnx package: the one that is named, or the usual one. */
const python = process.env['PRUNEGATE_PYTHON'] ?? 'python3';

describe.skipIf(spawnSync(python, ['-c', 'import onnx']).status !== 0)('onnx.checker (skipped without onnx)', () => {
  it('accepts every model that was cut', () => {
    const code = `
import glob, sys, onnx
paths = sorted(glob.glob(sys.argv[1] + '/*.onnx'))
for path in paths:
    try:
        onnx.checker.check_model(onnx.load(path), full_check=True)
    except Exception as error:
        sys.exit(f'{path}: {error}')
print(len(paths))
`;
    const { status, stdout, stderr } = spawnSync(python, ['-c', code, work], { encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    expect(Number(stdout)).toBeGreaterThan(20);
  });
});
