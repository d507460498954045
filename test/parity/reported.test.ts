import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import { check } from '../../src/pipeline/check.ts';
import { fileIn } from '../support/fixture-files.ts';
import { FIXTURES, goldensIn } from '../support/golden.ts';

const work = mkdtempSync(join(tmpdir(), 'prunegate-reported-'));
const seed = goldensIn(join(FIXTURES, 'golden')).find(({ name }) => name === 'seed_mobilenet_v2')!;
const spec = join(work, 'spec.json');
writeFileSync(spec, JSON.stringify({ prune: seed.prune }));

function withReport(reported: string, pruned = fileIn(seed.folder, 'pruned.onnx')) {
  const flags = { dense: fileIn(seed.folder, 'dense.onnx'), pruned, spec, reported };
  return check(loadRequests(settingsFromFlags(flags), work)[0]!, {
    version: 'test',
    isHashed: true,
    log() {},
  });
}

function json(value: unknown): string {
  const path = join(work, 'reported.json');
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));
  return path;
}

const all = (key: 'retained' | 'exploring') =>
  Object.fromEntries(Object.entries(seed.layers).map(([name, layer]) => [name, layer[key]]));

describe('reported indices', () => {
  it('as JSON conform where they are those retained, and stand in the report', async () => {
    const { report } = await withReport(json(all('retained')));
    expect(report.verdict).toBe('conforms');
    expect(report.layers[0]!.reported).toEqual(seed.layers['conv1']!.retained);
  });

  it('from a log that prints them after exploration conform, over the lines that numpy wraps', async () => {
    const { report } = await withReport(join(FIXTURES, 'logs/after-exploration-prints.txt'));
    expect(report.verdict).toBe('conforms');
    for (const layer of report.layers) expect(layer.reported, layer.name).toEqual(seed.layers[layer.name]!.retained);
  });

  it('without names are identified, which is the forum thread in two lines', async () => {
    const { report } = await withReport(join(FIXTURES, 'logs/exploring-prints.txt'));
    expect(report.verdict).toBe('conforms');
    expect(report.notes[0]).toBe('reported row 1 is what conv1 would keep on its own.');
    expect(report.notes[2]).toBe('reported row 3 is conv1 and expanded_conv_depthwise after exploration.');
    expect(report.layers.every((layer) => layer.reported === null)).toBe(true);
  });

  it('that are the exploring ones diverge, and it is said what they are', async () => {
    const { report, exitCode } = await withReport(json({ ...all('retained'), conv1: seed.layers['conv1']!.exploring }));
    expect(exitCode).toBe(1);
    expect(report.findings).toMatchObject([
      { layers: ['conv1'], title: 'the indices reported for conv1 are those of exploring, not of the end' },
    ]);
    expect(report.findings[0]!.details).toEqual([
      'conv1: reported but not retained 0, 15, 27; retained but not reported 3, 19, 22.',
      'The model is right: it retains what is expected after exploration.',
      'They are what the layer would keep by its own norms, printed while exploring; equalization with a coupled layer overwrites them, and only the indices after exploration count.',
    ]);
  });

  it.each([
    [
      'what the wrong model keeps',
      'exploring',
      'The pruner reported just these: it decided so, and the cut is what it decided.',
    ],
    [
      'what was expected',
      'retained',
      'The pruner reported what is expected: it decided rightly, and the model was cut otherwise.',
    ],
  ] as const)('of a wrong model, where they are %s, tell who is to be asked next', async (_, key, sentence) => {
    const wrong = join(import.meta.dirname, '../../examples/mobilenet-v2/pruned-naive.onnx');
    const own = seed.layers['conv1']![key];
    const { report } = await withReport(json({ ...all('retained'), conv1: own, expanded_conv_depthwise: own }), wrong);
    expect(report.findings).toHaveLength(1);
    expect(report.findings[0]!.details).toContain(sentence);
  });

  it('that are others diverge, once for a group, and cannot name filters that are not there', async () => {
    const wrong = [...seed.layers['block_1_expand']!.retained.slice(1), 96];
    const { report } = await withReport(json({ ...all('retained'), block_1_expand: wrong, block_1_depthwise: wrong }));
    expect(report.findings).toMatchObject([
      { title: 'the indices reported for block_1_expand and block_1_depthwise are not those that they retain' },
    ]);
    expect(report.findings[0]!.details).toContain('It has 96 filters, 0 to 95: 96 cannot be of it.');
  });

  it('that are others diverge, and the difference is reported', async () => {
    const wrong = seed.layers['conv_1']!.retained.slice(1);
    const { report, exitCode } = await withReport(json({ conv_1: [...wrong, 63] }));
    expect(exitCode).toBe(1);
    expect(report.findings[0]!.details).toEqual([
      'conv_1: reported but not retained 63; retained but not reported 0.',
      'The model is right: it retains what is expected.',
    ]);
    expect(report.notes.at(-1)).toBe('The report says nothing of conv1, expanded_conv_depthwise and 11 more layers.');
  });

  it('of a large detector are read: a config of that length would be refused', async () => {
    const wide = Object.fromEntries(
      Array.from({ length: 90 }, (_, k) => [`other_${k}`, Array.from({ length: 1200 }, (__, i) => i)]),
    );
    const { report } = await withReport(json({ ...all('retained'), ...wide }));
    expect(report.verdict).toBe('conforms');
    expect(report.layers[0]!.reported).toEqual(seed.layers['conv1']!.retained);
  });

  it.each([
    ['no JSON', '{"conv1": [1,]}', /reported\.json: is not JSON: /],
    ['a layer twice', '{"conv1": [1], "conv1": [2]}', /reported\.json: names a layer twice/],
    ['a list in a list', '{"conv1": {"conv1": [2]}}', /reported\.json:1: conv1: must be a list of filter indices/],
  ])('as JSON are refused where they are %s', async (_, text, message) => {
    await expect(withReport(json(text))).rejects.toThrow(message);
  });

  it.each([
    ['a log without indices', join(FIXTURES, 'logs/tao-debug.txt'), /holds no retained indices/],
    ['a missing file', join(work, 'gone'), /does not exist/],
    [
      'no list',
      json('{\n"conv1": [1],\n"conv_1": 3}'),
      /reported\.json:3: conv_1: must be a list of filter indices \(found 3\)/,
    ],
  ])('say what is wrong with %s', async (name, path, message) => {
    const given = name === 'no list' ? json('{\n"conv1": [1],\n"conv_1": 3}') : path;
    await expect(withReport(given)).rejects.toThrow(message);
  });
});
