import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import { check } from '../../src/pipeline/check.ts';
import {
  type DeclaredGolden,
  declaredGoldensIn,
  declaredPruner,
  FIXTURES,
  SHARED,
} from '../support/declared-golden.ts';
import { networkOf } from '../support/golden.ts';

const fixtures = declaredGoldensIn(FIXTURES);
const others = declaredGoldensIn(SHARED).filter(({ name }) => !fixtures.some((fixture) => fixture.name === name));
const goldens = [...fixtures, ...others];
const work = mkdtempSync(join(tmpdir(), 'prunegate-declared-'));

describe.skipIf(others.length === 0)('goldens beside the project (skipped where ../shared is not there)', () => {
  it('are tested with those in the project', () => expect(others.length).toBeGreaterThan(0));
});

let specs = 0;

async function checkPair(
  { name, folder, spec }: DeclaredGolden,
  dense: string,
  pruned: string,
  changes: Readonly<Record<string, unknown>> = {},
) {
  const file = join(work, `${name}-${++specs}.json`);
  writeFileSync(file, JSON.stringify({ ...spec, prune: { ...spec.prune, ...changes } }));
  const flags = { dense: join(folder, dense), pruned: join(folder, pruned), spec: file };
  const [request] = loadRequests(settingsFromFlags(flags), work);
  return check(request!, { version: 'test', isHashed: false, log() {} });
}

const DENSE = ['dense.onnx', 'dense.folded.onnx'];
const PRUNED = ['pruned.onnx', 'pruned.folded.onnx', 'pruned.dynamo.onnx'];

describe.each(goldens)('$name', (golden) => {
  const { folder, layers, groups, spec } = golden;
  const there = (files: readonly string[]): string[] => files.filter((file) => existsSync(join(folder, file)));

  it.each(there(DENSE))('of %s is expected what its pruner retained', (file) => {
    const dense = networkOf(join(folder, file));
    const asked = declaredPruner(spec.prune).expect(dense, null);
    const expectation = asked.given?.((name) => layers[name]?.retained ?? null) ?? asked;
    expect(Object.fromEntries([...expectation.layers].map(([name, { expected }]) => [name, expected]))).toEqual(
      Object.fromEntries(Object.entries(layers).map(([name, { retained }]) => [name, retained])),
    );
    const coupled = groups.filter(({ length }) => length > 1).map(String);
    const isAlone = (spec.prune['group'] as { readonly coupled?: string })?.coupled === 'alone';
    expect(expectation.groups.map(({ members }) => String(members))).toEqual(isAlone ? [] : coupled);
  });

  const pairs = there(DENSE).flatMap((dense) => there(PRUNED).map((pruned) => [dense, pruned] as const));

  it.each(pairs)('%s and %s conform', async (dense, pruned) => {
    const { report, exitCode } = await checkPair(golden, dense, pruned);
    expect({ findings: report.findings, exitCode }).toEqual({ findings: [], exitCode: 0 });
    for (const { name, actual, verdict } of report.layers)
      expect({ actual, verdict }, name).toEqual({ actual: layers[name]!.retained, verdict: 'match' });
  });

  const isZeroed = golden.spec.prune['form'] === 'zeroed';

  it.runIf(isZeroed)('says that zeros do not shrink the file, and is no model of removed filters', async () => {
    const zeroed = await checkPair(golden, 'dense.onnx', 'pruned.onnx');
    expect(zeroed.report.notes.join()).toMatch(/zeroed, not removed: the file does not shrink/);
    const { report, exitCode } = await checkPair(golden, 'dense.onnx', 'pruned.onnx', { form: 'removed' });
    expect(exitCode).toBe(1);
    expect(report.findings.map(({ title }) => title)).toEqual([
      'the pruned model is zeroed, not pruned: its filters hold zeros and are still there',
    ]);
    expect(report.findings[0]!.place).toMatchObject({ key: 'prune.form' });
  });

  it.runIf(isZeroed).each(there(PRUNED))('finds zeros of %s in the tensors that hold them', async (pruned) => {
    const zeroes = golden.spec.prune['zeroes'] as readonly string[];
    const others = zeroes.includes('bn') ? ['weight'] : ['weight', 'bias', 'bn'];
    const { report, exitCode } = await checkPair(golden, 'dense.onnx', pruned, { zeroes: others });
    expect(exitCode).toBe(1);
    expect(report.findings[0]!.title).toMatch(/in other tensors than the spec says/);
  });

  it.runIf(golden.spec.prune['form'] === 'removed')('is no model of zeros', async () => {
    const { report, exitCode } = await checkPair(golden, 'dense.onnx', 'pruned.onnx', { form: 'zeroed' });
    expect(exitCode).toBe(1);
    expect(report.findings[0]!.title).toMatch(/removed, not zeroed/);
  });
});
