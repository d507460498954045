import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import { check } from '../../src/pipeline/check.ts';

const work = mkdtempSync(join(tmpdir(), 'prunegate-places-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

beforeAll(() => {
  mkdirSync(join(work, 'models'));
  cpSync(join(import.meta.dirname, '../../examples/mobilenet-v2'), join(work, 'models'), { recursive: true });
});

/** Kinds and places of what a check finds. */
async function found(config: readonly string[], flags: Record<string, unknown> = {}, root = work) {
  writeFileSync(join(work, 'prunegate.yml'), config.join('\n'));
  const [request] = loadRequests(settingsFromFlags(flags), work);
  const { report } = await check(request!, { version: 'test', isHashed: false, root, log() {} });
  return report.findings.map(({ kind, verdict, place }) => ({ kind, verdict, ...place }));
}

const MODEL = ['dense: models/dense.onnx', 'pruned: models/pruned.onnx', 'spec: models/prune.yaml'];

describe('a finding knows its place', () => {
  it('in the spec: the key that decided, the layer that shows it and its filters', async () => {
    expect(await found(MODEL, { pruned: 'models/pruned-naive.onnx' })).toEqual([
      {
        ...{ kind: 'layers', verdict: 'mismatch', file: 'models/prune.yaml', line: 6, key: 'prune.threshold' },
        ...{ layer: 'conv1', filters: [0, 3, 15, 19, 22, 27] },
      },
    ]);
  });

  it('in prunegate.yml: the gate that was not passed, and each that was set', async () => {
    const gates = ['min-parameter-reduction: 0.99', 'min-mac-reduction: 0.1', 'max-latency-ratio: 0.5'];
    const none = { layer: null, filters: [] };
    expect(await found([...MODEL, ...gates])).toEqual([
      { kind: 'gate', verdict: 'mismatch', file: 'prunegate.yml', line: 4, key: 'min-parameter-reduction', ...none },
      { kind: 'gate', verdict: 'unverifiable', file: 'prunegate.yml', line: 6, key: 'max-latency-ratio', ...none },
    ]);
    const models = ['models:', '  - name: m', ...[...MODEL, ...gates].map((line) => `    ${line}`)];
    expect((await found(models)).map(({ line, key }) => [line, key])).toEqual([
      [6, 'models[0].min-parameter-reduction'],
      [8, 'models[0].max-latency-ratio'],
    ]);
  });

  it('in no file where a flag asked, which wins over prunegate.yml', async () => {
    const [finding] = await found([...MODEL, 'min-mac-reduction: 0.1'], { minMacReduction: '0.99' });
    expect(finding).toMatchObject({ kind: 'gate', file: null, line: null, key: '--min-mac-reduction' });
  });

  it('from the folder that reviewers see, or else as the user wrote it', async () => {
    const wrong = { pruned: 'models/pruned-naive.onnx' };
    expect((await found(MODEL, wrong, join(work, 'models')))[0]!.file).toBe('prune.yaml');
    const outside = await found(MODEL, { ...wrong, spec: join(work, 'models/prune.yaml') }, join(work, 'elsewhere'));
    expect(outside[0]!.file).toBe(join(work, 'models/prune.yaml'));
  });

  it('in the reported list: what it names wrongly', async () => {
    writeFileSync(join(work, 'retained.json'), JSON.stringify({ predictions: [0, 1, 2, 3, 4, 5, 6, 7, 8, 12] }));
    expect(await found(MODEL, { reported: join(work, 'retained.json') })).toMatchObject([
      { kind: 'reported', layer: 'predictions', filters: [9, 12], file: 'models/prune.yaml' },
    ]);
  });
});
