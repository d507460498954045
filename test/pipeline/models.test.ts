import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import { check } from '../../src/pipeline/check.ts';
import { expect as expectedOf } from '../../src/pipeline/expect.ts';
import { recover } from '../../src/pipeline/recover.ts';
import { float32, op, writeModel } from '../support/onnx-builder.ts';

/** Two convolutions of 4 and 2 filters, as exported or as onnxruntime's optimizer saves them for its own layout. */
function model({ domain = '', filters = 4 }: { readonly domain?: string; readonly filters?: number }): string {
  const ones = (out: number, columns: number) => ({
    ...float32(Array.from({ length: out * columns }, (_, k) => 1 + Math.floor(k / columns))),
    dims: [BigInt(out), BigInt(columns), 1n, 1n],
  });
  return writeModel({
    inputs: { x: [1, 3, 4, 4] },
    outputs: ['y'],
    producer: 'pytorch',
    weights: { 'a.weight': ones(filters, 3), 'b.weight': ones(2, filters) },
    nodes: [
      op('Conv', ['x', 'a.weight'], 'h', { name: '/a/Conv', domain }),
      op('Conv', ['h', 'b.weight'], 'y', { name: '/b/Conv', domain }),
    ],
  });
}

const host = { version: '1.2.3', isHashed: false, log() {} };

function requestOf(dense: string, pruned: string | null) {
  const folder = dirname(dense);
  writeFileSync(
    join(folder, 'prune.yaml'),
    'dialect: torch-pruning\nprune:\n  pruning_ratio: 0.5\n  importance: {type: GroupMagnitudeImportance, p: 2}\n  ignored_layers: [b]\n',
  );
  const flags = { dense, spec: 'prune.yaml', ...(pruned === null ? {} : { pruned }) };
  return loadRequests(settingsFromFlags(flags), folder)[0]!;
}

describe('a model whose weights are all in operators that are not understood', () => {
  const [dense, pruned] = [model({}), model({ filters: 2 })];
  const optimized = model({ domain: 'com.microsoft.nchwc' });
  const optimizedPruned = model({ domain: 'com.microsoft.nchwc', filters: 2 });

  it.each([
    ['the pruned one', dense, optimizedPruned],
    ['the dense one', optimized, pruned],
    ['both', optimized, optimizedPruned],
  ])('makes a check unverifiable, and says so: %s', async (_, one, other) => {
    const { exitCode, report } = await check(requestOf(one, other), host);
    expect(exitCode).toBe(3);
    expect(report.findings.map(({ kind }) => kind)).toContain('weights-unseen');
    expect(report.findings.flatMap(({ title }) => title).join()).toContain('com.microsoft.nchwc.Conv');
  });

  it('is no dense model of which anything could be expected, recovered or pruned', async () => {
    const problem = /none of its weights can be read, which belong to com\.microsoft\.nchwc\.Conv: give the model as/;
    await expect(async () => expectedOf(requestOf(optimized, null), host)).rejects.toThrow(problem);
    await expect(async () => recover(requestOf(optimized, pruned), host)).rejects.toThrow(problem);
    await expect(async () => check(requestOf(optimized, null), host)).rejects.toThrow(problem);
  });

  it('leaves every layer unknown where it is the pruned one', async () => {
    const { exitCode } = await recover(requestOf(dense, optimizedPruned), host);
    expect(exitCode).toBe(3);
  });
});
