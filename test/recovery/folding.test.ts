import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import type { Weight } from '../../src/network/index.ts';
import { check } from '../../src/pipeline/check.ts';
import { recoverRetention } from '../../src/recovery/index.ts';
import { fileIn } from '../support/fixture-files.ts';
import { FIXTURES, goldensIn, networkOf } from '../support/golden.ts';
import { torchGoldensIn } from '../support/torch-golden.ts';
import { ModelBytes } from '../support/wrong-models.ts';

const work = mkdtempSync(join(tmpdir(), 'prunegate-folding-'));
// A convolution that is called twice, with a BatchNorm behind each call: tf2onnx 1.16 folds it into two kernels.
const shared = { name: 'shared-bn', folder: join(FIXTURES, 'shared-bn') };
const sharedLayers: Record<string, { retained: number[] }> = JSON.parse(
  readFileSync(join(shared.folder, 'golden.json'), 'utf8'),
).layers;

const goldens = [
  ...goldensIn(join(FIXTURES, 'golden')),
  ...torchGoldensIn(join(FIXTURES, 'torch')),
  { ...shared, layers: sharedLayers },
];
const FILES = ['', '.folded', '.dynamo'];
const mixes = goldens.flatMap(({ name, folder, layers }) =>
  FILES.flatMap((dense) =>
    FILES.filter((pruned) => dense !== '' || pruned !== '').flatMap((pruned) => {
      const [a, b] = [fileIn(folder, `dense${dense}.onnx`), fileIn(folder, `pruned${pruned}.onnx`)];
      return existsSync(a) && existsSync(b)
        ? [{ name, layers, dense: a, pruned: b, mix: `dense${dense} and pruned${pruned}` }]
        : [];
    }),
  ),
);

describe('models of which one, both or each by another exporter have BatchNorm folded in', () => {
  it('are there in all mixes', () => expect(mixes.length).toBeGreaterThan(20));

  it.each(mixes)('$name: $mix give back what is retained', ({ name, layers, dense, pruned, mix }) => {
    const recovery = recoverRetention(networkOf(dense), networkOf(pruned));
    // Several folded kernels cannot have been cut from one unfolded one: that is said, and not guessed at.
    const isSplit = name === 'shared-bn' && mix === 'dense.folded and pruned';
    expect(recovery).toMatchObject({ extra: [], elsewhere: [], open: [] });
    for (const [layer, { retained }] of Object.entries(layers)) {
      const recovered = recovery.layers.get(layer);
      if (isSplit && layer === 'shared') {
        expect(recovered).toMatchObject({
          actual: null,
          kernel: { kind: 'missing', detail: expect.stringContaining('another layer for each call') },
        });
        continue;
      }
      expect(recovered, layer).toMatchObject({
        kernel: { kind: expect.stringMatching(/^(exact|rounded)$/) },
        actual: retained,
      });
      if (name !== 'vgg_flatten_nchw') expect(recovered!.disagreements, layer).toEqual([]);
    }
  });

  it('agree bit for bit wherever numpy folded', () => {
    const numpy = mixes.filter(({ mix }) => !/folded/.test(mix) || /shared|random|seed/.test(mix));
    for (const { layers, dense, pruned } of numpy) {
      const recovery = recoverRetention(networkOf(dense), networkOf(pruned));
      for (const layer of Object.keys(layers))
        expect(recovery.layers.get(layer)?.kernel, layer).toEqual({ kind: 'exact' });
    }
  });
});

async function verdictOf(dense: string, pruned: string, prune: unknown, extra: Record<string, string> = {}) {
  const spec = join(work, 'spec.json');
  writeFileSync(spec, JSON.stringify(prune));
  const [request] = loadRequests(settingsFromFlags({ dense, pruned, spec, ...extra }), work);
  return check(request!, { version: 'test', log: () => undefined, isHashed: false });
}

describe('a shared convolution with a BatchNorm behind each call', () => {
  const spec = { prune: { threshold: 0.5, granularity: 1, min_num_filters: 1 } };
  const path = (file: string): string => fileIn(shared.folder, file);

  it.each([
    ['dense.onnx', {}],
    ['dense.onnx', { denseFolded: path('dense.folded.onnx') }],
  ])('is compared with its own kernel folded for each call, %s %j', async (dense, extra) => {
    const { report } = await verdictOf(path(dense), path('pruned.folded.onnx'), spec, extra);
    expect(report.layers.find(({ name }) => name === 'shared')).toMatchObject({
      actual: sharedLayers['shared']!.retained,
    });
    expect(report.findings.filter(({ title }) => /not in the dense model|dense model's/.test(title))).toEqual([]);
  });

  it('diverges where one of the calls was cut by other filters', () => {
    const pruned = networkOf(path('pruned.folded.onnx'));
    const dense = networkOf(path('dense.folded.onnx'));
    const second = pruned.prunable.get('shared#2')!.weight as Weight;
    const bytes = new ModelBytes(path('pruned.folded.onnx'));
    const filter = Array.from({ length: 10 }, (_, k) => k).find((k) => !sharedLayers['shared']!.retained.includes(k))!;
    const source = dense.prunable.get('shared#2')!.weight as Weight;
    const { bytes: values } = source.tensor.read();
    const floats = new Float32Array(values.buffer, values.byteOffset, values.byteLength / 4);
    for (const [column, from] of sharedLayers['b']!.retained.entries())
      for (const k of second.kernelOffsets)
        bytes.set(
          second.tensor,
          column * second.inStride + k,
          floats[filter * source.outStride + from * source.inStride + k]!,
        );
    const recovery = recoverRetention(networkOf(path('dense.onnx')), networkOf(bytes.save(join(work, 'other.onnx'))));
    expect(recovery.layers.get('shared')!.disagreements).toContainEqual({
      tensor: 'shared#2',
      consumer: null,
      detail: 'it keeps other filters than the first call of the layer',
    });
  });
});

describe('rounding', () => {
  const { folder } = goldens.find(({ name }) => name === 'grouped_1')!;
  const pruned = fileIn(folder, 'pruned.folded.onnx');

  /** The layer c2.0 with every factor off by some units in the last place, as another program would compute it. */
  function scaled(by: (filter: number) => number): string {
    const network = networkOf(pruned);
    const weight = network.prunable.get('c2.0')!.weight as Weight;
    const { bytes } = weight.tensor.read();
    const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    const model = new ModelBytes(pruned);
    for (const [k, value] of values.entries())
      model.set(weight.tensor, k, Math.fround(value * by(Math.floor(k / weight.outStride))));
    return model.save(join(work, 'scaled.onnx'));
  }
  const kernelOf = (path: string) =>
    recoverRetention(networkOf(fileIn(folder, 'dense.onnx')), networkOf(path)).layers.get('c2.0')!;

  it('of a factor is reported, with the reason', () => {
    const { kernel, actual } = kernelOf(scaled(() => 1 + 2 ** -22));
    expect(kernel).toMatchObject({ kind: 'rounded', detail: expect.stringContaining('to the rounding of float32') });
    expect(actual).toEqual(goldens.find(({ name }) => name === 'grouped_1')!.layers['c2.0']!.retained);
  });

  it('does not hide columns that stand in another order', () => {
    const network = networkOf(pruned);
    const { tensor, outCount, outStride, inStride } = network.prunable.get('c2.0')!.weight as Weight;
    const model = new ModelBytes(scaled((filter) => 1 + ((filter % 3) - 1) * 2 ** -22));
    const weight = networkOf(model.save(join(work, 'columns.onnx'))).prunable.get('c2.0')!.weight as Weight;
    const { bytes } = weight.tensor.read();
    const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    for (let at = 0; at < outCount * outStride; at++) {
      const column = Math.floor((at % outStride) / inStride);
      if (column < 2) model.set(tensor, at, values[at + (1 - 2 * column) * inStride]!);
    }
    const recovery = recoverRetention(
      networkOf(fileIn(folder, 'dense.onnx')),
      networkOf(model.save(join(work, 'columns.onnx'))),
    );
    const reported = [...recovery.layers.values()].flatMap(({ disagreements }) => disagreements);
    expect(reported).toMatchObject([{ consumer: 'c2.0', detail: 'they keep its filters in another order' }]);
    expect(recovery.layers.get('c2.0')!.kernel.kind).toBe('rounded');
  });

  it('is no more than that: a factor that is off by more, or one element, are other weights', () => {
    expect(kernelOf(scaled(() => 1 + 2 ** -16)).kernel.kind).toBe('nearest');
    const network = networkOf(pruned);
    const { tensor } = network.prunable.get('c2.0')!.weight as Weight;
    const model = new ModelBytes(pruned);
    model.flipBit(tensor, 3, 6);
    expect(kernelOf(model.save(join(work, 'flipped.onnx'))).kernel.kind).toBe('altered');
  });

  it('is not granted to weights that no BatchNorm was folded into', () => {
    const dense = networkOf(fileIn(folder, 'dense.onnx'));
    const raw = networkOf(fileIn(folder, 'pruned.onnx'));
    const { tensor } = raw.prunable.get('fc')!.weight as Weight;
    const { bytes } = tensor.read();
    const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    const model = new ModelBytes(fileIn(folder, 'pruned.onnx'));
    for (const [k, value] of values.entries()) model.set(tensor, k, Math.fround(value * (1 + 2 ** -22)));
    const { layers } = recoverRetention(dense, networkOf(model.save(join(work, 'raw.onnx'))));
    expect(layers.get('fc')!.kernel.kind).toBe('nearest');
  });
});
