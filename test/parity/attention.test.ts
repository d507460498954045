import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import type { Weight } from '../../src/network/index.ts';
import { check } from '../../src/pipeline/check.ts';
import { expectationOf } from '../dialects/torch-pruning/support.ts';
import { networkOf } from '../support/golden.ts';
import { FIXTURES, torchGoldensIn } from '../support/torch-golden.ts';
import { ModelBytes } from '../support/wrong-models.ts';

const SHARED = join(import.meta.dirname, '../../../shared/golden_attention');
const work = mkdtempSync(join(tmpdir(), 'prunegate-attention-'));
const goldens = torchGoldensIn(SHARED);
const EXPORTERS = ['', '.dynamo'];
/** Each exporter's models, and a pruned model that was exported otherwise than the dense one. */
const pairs = goldens.flatMap((golden) =>
  EXPORTERS.flatMap((before) => EXPORTERS.map((after) => ({ ...golden, before, after }))),
);

type Pair = (typeof pairs)[number];

async function checked({ name, folder, before, after }: Pair, isReported: boolean) {
  const spec = join(work, `${name}.json`);
  const written = JSON.parse(readFileSync(join(folder, 'spec.json'), 'utf8'));
  writeFileSync(spec, JSON.stringify('prune' in written ? written : { dialect: 'torch-pruning', prune: written }));
  const [dense, pruned] = [join(folder, `dense${before}.onnx`), join(folder, `pruned${after}.onnx`)];
  const more = isReported ? { reported: join(folder, 'history.json') } : {};
  const [request] = loadRequests(settingsFromFlags({ dense, pruned, spec, ...more }), work);
  return check(request!, { version: 'test', isHashed: false, log() {} });
}

describe.skipIf(pairs.length === 0)('models of attention that Torch-Pruning really pruned', () => {
  it.each(pairs)('$name, dense$before and pruned$after: nothing wrong is expected, found or reported', async (pair) => {
    const { report } = await checked(pair, true);
    expect(report.verdict).not.toBe('diverges');
    for (const { name, expected, actual, reported } of report.layers) {
      const retained = pair.layers[name]?.retained;
      if (retained === undefined) continue;
      for (const list of [expected, actual, reported]) expect([retained, null], name).toContainEqual(list);
    }
  });

  it.each(pairs)('$name, dense$before and pruned$after conform', async (pair) => {
    const { report, exitCode } = await checked(pair, false);
    expect({ verdict: report.verdict, findings: report.findings, exitCode }).toEqual({
      verdict: 'conforms',
      findings: [],
      exitCode: 0,
    });
    expect(report.layers.filter(({ name }) => name in pair.layers)).toHaveLength(Object.keys(pair.layers).length);
    expect(report.layers.every(({ verdict }) => verdict === 'match')).toBe(true);
  });
});

it.skipIf(goldens.length === 0)('what is left alone for a table hangs on that being a parameter', () => {
  const { folder } = goldens.find(({ name }) => name === 'swin_local')!;
  const { prune } = JSON.parse(readFileSync(join(folder, 'spec.json'), 'utf8'));
  const { layers } = expectationOf(networkOf(join(folder, 'dense.onnx')), prune);
  const assumed = [...layers.values()].flatMap(({ name, assumes }) => (assumes?.of === 'parameters' ? [name] : []));
  expect(assumed.length).toBeGreaterThan(0);
  for (const name of assumed) expect(name).toMatch(/qkv$/);
});

describe('a model of attention', () => {
  const made = torchGoldensIn(join(FIXTURES, 'attention'));

  /** Exchanges the first two columns, or rows, of a layer's kernel. */
  async function exchanged(name: string, layer: string, side: 'columns' | 'rows') {
    const { folder, spec } = made.find((golden) => golden.name === name)!;
    const pruned = networkOf(join(folder, 'pruned.onnx'));
    const { tensor, outCount, outStride, inCount, inStride } = pruned.prunable.get(layer)!.weight as Weight;
    const values = new Float32Array(tensor.read().bytes.slice().buffer);
    const model = new ModelBytes(pruned.model.name);
    const [own, count, other] = side === 'columns' ? [inStride, outCount, outStride] : [outStride, inCount, inStride];
    for (let k = 0; k < count; k++)
      for (const at of [0, 1]) model.set(tensor, at * own + k * other, values[(1 - at) * own + k * other]!);
    const specPath = join(work, `${name}.made.json`);
    writeFileSync(specPath, JSON.stringify(spec));
    const flags = { dense: join(folder, 'dense.onnx'), pruned: model.save(join(work, 'wrong.onnx')), spec: specPath };
    const [request] = loadRequests(settingsFromFlags(flags), work);
    return check(request!, { version: 'test', isHashed: false, log() {} });
  }

  it.each([
    ['made_vit', 'blocks.0.attn.proj', 'columns', 'blocks.0.attn.qkv'],
    ['made_gqa', 'blocks.0.attn.proj', 'columns', 'blocks.0.attn.v'],
    ['made_vit', 'blocks.0.attn.qkv', 'rows', 'blocks.0.attn.qkv'],
  ] as const)('%s is wrong where %s has two %s exchanged, and %s is named', async (name, layer, side, blamed) => {
    const { report, exitCode } = await exchanged(name, layer, side);
    expect(exitCode).toBe(1);
    expect(report.layers.filter(({ verdict }) => verdict === 'mismatch').map((found) => found.name)).toContain(blamed);
  });
});
