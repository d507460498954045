import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { recoverRetention } from '../../src/recovery/index.ts';
import { network, rows } from '../support/convs.ts';
import { fileIn } from '../support/fixture-files.ts';
import { FIXTURES, goldensIn, networkOf } from '../support/golden.ts';
import { dropNames, nameOtherwise, reorder, rewrite } from '../support/rewrite.ts';
import { torchGoldensIn } from '../support/torch-golden.ts';

const work = mkdtempSync(join(tmpdir(), 'prunegate-names-'));
const goldens = [...goldensIn(join(FIXTURES, 'golden')), ...torchGoldensIn(join(FIXTURES, 'torch'))];
let count = 0;
const temporary = (): string => join(work, `${++count}.onnx`);

describe.each(goldens)('$name without its names', ({ name, folder, layers }) => {
  const dense = networkOf(fileIn(folder, 'dense.onnx'));
  const prunedPath = fileIn(folder, 'pruned.onnx');

  const changes: [string, Parameters<typeof rewrite>[2]][] = [
    ['are gone', dropNames],
    [
      'are gone and whose nodes stand in another order',
      (graph) => {
        dropNames(graph);
        reorder(graph);
      },
    ],
    ['follow another scheme', nameOtherwise],
  ];
  it.each(changes)('gives back what a pruned model retains whose names %s', (_, change) => {
    const recovery = recoverRetention(dense, networkOf(rewrite(prunedPath, temporary(), change)));
    expect(recovery).toMatchObject({ extra: [], elsewhere: [], open: [] });
    expect(recovery.recognized.map((layer) => layer.dense)).toEqual(expect.arrayContaining(Object.keys(layers)));
    for (const [layer, { retained }] of Object.entries(layers)) {
      const recovered = recovery.layers.get(layer)!;
      expect(recovered, layer).toMatchObject({ kernel: { kind: 'exact' }, actual: retained });
      // NVIDIA's pruner cuts the columns behind this Flatten wrongly, whatever the names are.
      if (name !== 'vgg_flatten_nchw') expect(recovered.disagreements, layer).toEqual([]);
    }
  });
});

describe('names', () => {
  const seed = goldens.find(({ name }) => name === 'seed_mobilenet_v2')!;
  const dense = networkOf(fileIn(seed.folder, 'dense.onnx'));
  const prunedPath = fileIn(seed.folder, 'pruned.onnx');
  const renamed = (from: RegExp, to: string) =>
    networkOf(
      rewrite(prunedPath, temporary(), (graph) => {
        for (const node of graph.node) {
          node.name = node.name.replace(from, to);
          node.input = node.input.map((name) => name.replace(from, to));
          node.output = node.output.map((name) => name.replace(from, to));
        }
        for (const tensor of graph.initializer) tensor.name = tensor.name.replace(from, to);
      }),
    );

  it('of one layer among others that agree do not hide it where its place and its values are there', () => {
    const recovery = recoverRetention(dense, renamed(/\/block_1_project\//, '/block_1_renamed/'));
    expect(recovery.extra).toEqual([]);
    expect(recovery.recognized).toEqual([{ pruned: 'block_1_renamed', dense: 'block_1_project', by: 'structure' }]);
    expect(recovery.layers.get('block_1_project')).toMatchObject({
      kernel: { kind: 'exact' },
      actual: seed.layers['block_1_project']!.retained,
    });
  });

  it('of one layer, with other values too, leave open what it is; one that stands where no layer is missing is too many', () => {
    const names = ['a', 'b', 'c', 'd'];
    const chain = (called: (name: string) => string, seed: (name: string) => number, all = names) =>
      network(
        all.map((name, k) => ({
          name: called(name),
          from: k === 0 ? 'x' : called(all[k - 1]!),
          kernel: rows(4, k === 0 ? 2 : 4, seed(name)),
        })),
      );
    const before = chain(String, (name) => names.indexOf(name));
    const other = recoverRetention(
      before,
      chain(
        (name) => (name === 'c' ? 'q' : name),
        (name) => (name === 'c' ? 9 : names.indexOf(name)),
      ),
    );
    expect(other).toMatchObject({ extra: [], recognized: [] });
    expect(other.layers.get('c')!.kernel).toEqual({
      kind: 'missing',
      detail:
        'which layer of the pruned model is c could not be determined; q: it stands where c does, under another name and with other values',
    });
    const more = recoverRetention(
      before,
      chain(String, (name) => ['a', 'b', 'c', 'd', 'e'].indexOf(name), [...names, 'e']),
    );
    expect(more.extra).toEqual(['e']);
  });

  it('that count on from another number are told from those that agree', () => {
    // A second model in one Keras session: block_2 is called block_3, block_1 block_2, and so on.
    const shifted = networkOf(
      rewrite(prunedPath, temporary(), (graph) => {
        const next = (name: string): string =>
          name.replace(/\/block_(\d)_/, (_, k: string) => `/block_${Number(k) + 1}_`).replace('/conv1/', '/conv0/');
        for (const node of graph.node) {
          node.name = next(node.name);
          node.input = node.input.map(next);
          node.output = node.output.map(next);
        }
        for (const tensor of graph.initializer) tensor.name = next(tensor.name);
      }),
    );
    const recovery = recoverRetention(dense, shifted);
    for (const [name, { retained }] of Object.entries(seed.layers))
      expect(recovery.layers.get(name), name).toMatchObject({ kernel: { kind: 'exact' }, actual: retained });
    expect(recovery.recognized).toContainEqual({ pruned: 'block_2_expand', dense: 'block_1_expand', by: 'structure' });
  });
});

describe('branches that stand in like places', () => {
  const inception = goldens.find(({ name }) => name === 'dw_after_add_nchw')!;

  it('are recognized by their values, and where those were changed too, by nothing', () => {
    const dense = networkOf(fileIn(inception.folder, 'dense.onnx'));
    const nameless = rewrite(fileIn(inception.folder, 'pruned.onnx'), temporary(), dropNames);
    const recognized = recoverRetention(dense, networkOf(nameless)).recognized.filter(({ by }) => by === 'values');
    expect(recognized.length).toBeGreaterThan(1);
    const retrained = rewrite(nameless, temporary(), (graph) => {
      for (const tensor of graph.initializer) {
        if (tensor.dataType !== 1 || tensor.rawData.length === 0) continue;
        const bytes = Uint8Array.from(tensor.rawData);
        const values = new Float32Array(bytes.buffer);
        for (const [k, value] of values.entries()) values[k] = value * (1 + 0.05 * Math.sin(k));
        tensor.rawData = bytes;
      }
    });
    const recovery = recoverRetention(dense, networkOf(retrained));
    expect(recovery.extra).toEqual([]);
    for (const { dense: name } of recognized) {
      const { kernel, actual } = recovery.layers.get(name)!;
      expect(actual, name).toBeNull();
      expect(kernel, name).toMatchObject({
        kind: 'missing',
        detail: expect.stringMatching(/could not be determined.*stand in like places/),
      });
    }
  });
});
