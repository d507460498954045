import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import { foldAll, type Weight } from '../../src/network/index.ts';
import { check } from '../../src/pipeline/check.ts';
import { fileIn } from '../support/fixture-files.ts';
import { expectationOf, FIXTURES, goldensIn, networkOf } from '../support/golden.ts';
import { type Cut, ModelBytes, recut } from '../support/wrong-models.ts';

const work = mkdtempSync(join(tmpdir(), 'prunegate-wrong-'));
const seed = goldensIn(join(FIXTURES, 'golden')).find(({ name }) => name === 'seed_mobilenet_v2')!;
const densePath = fileIn(seed.folder, 'dense.onnx');
const prunedPath = fileIn(seed.folder, 'pruned.onnx');
const dense = networkOf(densePath);
const pruned = networkOf(prunedPath);
const specPath = join(work, 'spec.json');
writeFileSync(specPath, JSON.stringify({ prune: seed.prune }));

const right = (layer: string): readonly number[] => seed.layers[layer]!.retained;
const naive = (layer: string): readonly number[] =>
  ['conv1', 'expanded_conv_depthwise'].includes(layer) ? seed.layers['conv1']!.exploring : right(layer);

let count = 0;
function save(model: ModelBytes): string {
  return model.save(join(work, `${++count}.onnx`));
}

async function verdictOf(prunedModel: string, denseModel = densePath, spec = specPath) {
  const [request] = loadRequests(settingsFromFlags({ dense: denseModel, pruned: prunedModel, spec }), work);
  const { report, exitCode } = await check(request!, { version: 'test', isHashed: true, log() {} });
  const of = (name: string) => report.layers.find((layer) => layer.name === name)!;
  return {
    report,
    exitCode,
    of,
    titles: report.findings.map(({ title }) => title),
    text: JSON.stringify(report.findings),
  };
}

function weight(network: typeof pruned, layer: string): Weight {
  return network.prunable.get(layer)!.weight as Weight;
}

describe('a wrong model', () => {
  it('is told from the right one, which the rewriting itself leaves conforming', async () => {
    expect((await verdictOf(save(recut(dense, pruned, { kernel: right })))).report.verdict).toBe('conforms');
  });

  it('cut by what conv1 would keep on its own: the forum thread, answered', async () => {
    const { report, exitCode, of } = await verdictOf(save(recut(dense, pruned, { kernel: naive })));
    expect(exitCode).toBe(1);
    expect(of('conv1')).toMatchObject({ verdict: 'mismatch', missing: [3, 19, 22], unexpected: [0, 15, 27] });
    expect(report.findings).toHaveLength(1);
    expect(report.findings[0]).toMatchObject({
      layers: ['conv1', 'expanded_conv_depthwise'],
      title: 'conv1 and expanded_conv_depthwise kept the wrong 3 of 16 filters',
      kind: 'layers',
      place: { key: 'prune.threshold', layer: 'conv1', filters: [0, 3, 15, 19, 22, 27] },
    });
    expect(report.findings[0]!.details).toContain(
      "Filter 3 should stay: 17th of 32 by conv1's own norm (0.550) but 1st by expanded_conv_depthwise (1.000); the larger counts (union), 1.000 exceeds the threshold of 0.68.",
    );
    expect(report.findings[0]!.details.at(-1)).toMatch(/^The kept filters equal what conv1 would keep on its own/);
  });

  const wrongCuts: [string, Cut, string][] = [
    [
      'its depthwise conv cut by other filters',
      { kernel: (l) => (l === 'block_1_depthwise' ? seed.layers[l]!.exploring : right(l)) },
      'block_1_depthwise',
    ],
    [
      'a BatchNorm cut by other filters',
      {
        kernel: right,
        follower: (_, at) => (at === 'bn_conv_1' ? seed.layers['conv_1']!.retained.map((f) => f ^ 1) : null),
      },
      'conv_1',
    ],
    [
      'input columns cut by other filters than their layer',
      {
        kernel: right,
        columns: (l, consumer) =>
          consumer === 'block_2_expand' && l === 'block_1_project' ? [0, ...right(l).slice(1)] : null,
      },
      'block_1_project',
    ],
    [
      'the classifier reading columns in another order',
      { kernel: right, columns: (l, consumer) => (consumer === 'predictions' ? [...right(l)].reverse() : null) },
      'conv_1',
    ],
    ['filters in another order', { kernel: (l) => (l === 'conv_1' ? [...right(l)].reverse() : right(l)) }, 'conv_1'],
    [
      'one filter twice',
      { kernel: (l) => (l === 'conv_1' ? [right(l)[1]!, ...right(l).slice(1)] : right(l)) },
      'conv_1',
    ],
  ];
  it.each(wrongCuts)('with %s diverges and names the layer', async (_, cut, layer) => {
    const { exitCode, of, text } = await verdictOf(save(recut(dense, pruned, cut)));
    expect(exitCode).toBe(1);
    expect(of(layer).verdict).toBe('mismatch');
    expect(text).toContain(layer);
  });

  it('with classifier rows shuffled diverges at the classifier', async () => {
    const model = save(
      recut(dense, pruned, { kernel: (l) => (l === 'predictions' ? [1, 0, 2, 3, 4, 5, 6, 7, 8, 9] : right(l)) }),
    );
    const { exitCode, of } = await verdictOf(model);
    expect(exitCode).toBe(1);
    expect(of('predictions').reason).toBe('it keeps the right filters in another order');
  });

  it('that is not pruned at all diverges with one finding', async () => {
    const { exitCode, titles } = await verdictOf(densePath);
    expect(exitCode).toBe(1);
    expect(titles).toEqual(['the pruned model is not pruned: every layer keeps all its filters']);
  });

  it('with one layer renamed is the right model still, with a remark; with its weights changed too it is not known', async () => {
    const renamed = () => {
      const model = new ModelBytes(prunedPath);
      model.rename('/block_1_project/', '/block_1_renamed/');
      return model;
    };
    const { exitCode, report } = await verdictOf(save(renamed()));
    expect(exitCode).toBe(0);
    expect(report.notes).toContainEqual(
      expect.stringMatching(/^block_1_renamed of the pruned model is block_1_project/),
    );
    const changed = renamed();
    const { tensor } = weight(pruned, 'block_1_project');
    for (let k = 0; k < tensor.elements; k++) changed.set(tensor, k, Math.sin(k));
    const other = await verdictOf(save(changed));
    expect(other.exitCode).toBe(3);
    expect(other.of('block_1_project')).toMatchObject({
      verdict: 'unverifiable',
      reason: expect.stringContaining('retrained'),
    });
  });

  it('of another training run is unverifiable, layer by layer', async () => {
    const model = new ModelBytes(prunedPath);
    for (const layer of pruned.prunable.values()) {
      const { tensor } = layer.weight as Weight;
      for (let k = 0; k < tensor.elements; k++) model.set(tensor, k, Math.sin(k + layer.id));
    }
    const { exitCode, report } = await verdictOf(save(model));
    expect(exitCode).toBe(3);
    expect(report.layers.every((layer) => layer.verdict === 'unverifiable' && layer.reason.includes('retrained'))).toBe(
      true,
    );
  });

  it('never passes with one bit flipped in any tensor that belongs to a layer', async () => {
    const tensors = [
      ...[...pruned.prunable.keys()].map((name) => weight(pruned, name).tensor),
      ...pruned.followers.map((follower) => follower.tensor),
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: tensors.length - 1 }),
        fc.nat(),
        fc.integer({ min: 0, max: 31 }),
        async (which, element, bit) => {
          const tensor = tensors[which]!;
          const model = new ModelBytes(prunedPath);
          model.flipBit(tensor, element % tensor.elements, bit);
          const { exitCode, report } = await verdictOf(save(model));
          expect(exitCode, `${tensor.name} element ${element % tensor.elements} bit ${bit}`).toBe(1);
          expect(report.findings.length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('with NaN in a kernel diverges; a dense model with NaN is unverifiable where it is, even if both agree', async () => {
    const { tensor } = weight(pruned, 'conv_1');
    const broken = new ModelBytes(prunedPath);
    broken.set(tensor, 5, Number.NaN);
    expect(await verdictOf(save(broken))).toMatchObject({ exitCode: 1 });

    const denseWeight = weight(dense, 'conv_1');
    const brokenDense = new ModelBytes(densePath);
    const filter = right('conv_1')[0]!;
    brokenDense.set(denseWeight.tensor, filter * denseWeight.outStride + right('block_3_project')[0]!, Number.NaN);
    const both = new ModelBytes(prunedPath);
    both.set(tensor, 0, Number.NaN);
    const { exitCode, of } = await verdictOf(save(both), save(brokenDense));
    expect(exitCode).toBe(3);
    expect(of('conv_1').reason).toMatch(/NaN or infinite/);
  });

  it('never passes when any layer keeps any other set of as many filters', async () => {
    const cuttable = [...dense.prunable.values()].filter((layer) => right(layer.name).length < layer.filters);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: cuttable.length - 1 }),
        fc.nat(),
        fc.nat(),
        async (which, out, into) => {
          const layer = cuttable[which]!;
          const kept = right(layer.name);
          const removed = kept[out % kept.length]!;
          const others = Array.from({ length: layer.filters }, (_, k) => k).filter((k) => !kept.includes(k));
          const added = others[into % others.length]!;
          const swapped = [...kept.filter((k) => k !== removed), added].sort((a, b) => a - b);
          const { exitCode, of } = await verdictOf(
            save(recut(dense, pruned, { kernel: (l) => (l === layer.name ? swapped : right(l)) })),
          );
          expect(exitCode).toBe(1);
          expect(of(layer.name)).toMatchObject({ verdict: 'mismatch', missing: [removed], unexpected: [added] });
        },
      ),
      { numRuns: 40 },
    );
  });

  it.each([
    [{ threshold: 0.6 }, 'The kept filters are those of threshold 0.67; the spec says 0.6.'],
    [
      { equalization_criterion: 'intersection' },
      'The kept filters are those of equalization_criterion union; the spec says intersection.',
    ],
    [{ granularity: 4 }, 'The kept filters are those of granularity 8; the spec says 4.'],
    [{ normalizer: 'off' }, 'The kept filters are those of normalizer max; the spec says off.'],
  ])('pruned by another spec than %j is recognized by what it equals', async (changed, cause) => {
    const spec = join(work, 'changed.json');
    writeFileSync(spec, JSON.stringify({ prune: { ...seed.prune, ...changed } }));
    const { report, exitCode } = await verdictOf(prunedPath, densePath, spec);
    expect(exitCode).toBe(1);
    const cut = report.findings.filter(({ details }) => /^(Expected|Found) /.test(details[0]!));
    expect(new Set(cut.map((finding) => finding.cause))).toEqual(new Set([cause]));
    for (const { details } of cut) expect(details.at(-1)).toBe(cause);
  });

  it('cut by a ranking of the weights with BatchNorm folded in is named so: the classic mistake', async () => {
    const folded = expectationOf(foldAll(dense), seed.prune, 'raw');
    const kept = (layer: string): readonly number[] => folded.layers.get(layer)!.expected!;
    const isSameSize = [...dense.prunable.keys()].every((layer) => kept(layer).length === right(layer).length);
    const filters = (layer: string): readonly number[] =>
      isSameSize || kept(layer).length === right(layer).length ? kept(layer) : right(layer);
    const { report, exitCode } = await verdictOf(save(recut(dense, pruned, { kernel: filters })));
    expect(exitCode).toBe(1);
    expect(JSON.stringify(report.findings)).toContain('a ranking of the weights with BatchNorm folded in');
  });
});
