import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { check } from '../src/check.ts';
import { loadRequests, settingsFromFlags } from '../src/config/index.ts';
import { FIXTURES, goldensIn } from './support/golden.ts';

const work = mkdtempSync(join(tmpdir(), 'prunegate-reported-'));
const seed = goldensIn(join(FIXTURES, 'golden')).find(({ name }) => name === 'seed_mobilenet_v2')!;
const spec = join(work, 'spec.json');
writeFileSync(spec, JSON.stringify({ prune: seed.prune }));

function withReport(reported: string) {
  const flags = { dense: join(seed.folder, 'dense.onnx'), pruned: join(seed.folder, 'pruned.onnx'), spec, reported };
  return check(loadRequests(settingsFromFlags(flags), work)[0]!, 'check', {
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

  it('that are the exploring ones diverge, and are told what they are', async () => {
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

  it('that are others diverge, and the difference is told', async () => {
    const wrong = seed.layers['conv_1']!.retained.slice(1);
    const { report, exitCode } = await withReport(json({ conv_1: [...wrong, 63] }));
    expect(exitCode).toBe(1);
    expect(report.findings[0]!.details).toEqual([
      'conv_1: reported but not retained 63; retained but not reported 0.',
      'The model is right: it retains what is expected.',
    ]);
    expect(report.notes.at(-1)).toBe('The report says nothing of conv1, expanded_conv_depthwise and 11 more layers.');
  });

  it.each([
    ['a log without indices', join(FIXTURES, 'logs/tao-debug.txt'), /holds no retained indices/],
    ['a missing file', join(work, 'gone'), /cannot be read \(ENOENT\)/],
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
