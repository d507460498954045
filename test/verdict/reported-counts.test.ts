import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import { check } from '../../src/pipeline/check.ts';
import type { Checked } from '../../src/pipeline/checked.ts';
import { tf1Goldens } from '../support/golden-tf1.ts';

const golden = tf1Goldens('').own.find(({ name }) => name === 'shared_conv_nchw')!;
const work = mkdtempSync(join(tmpdir(), 'prunegate-counts-'));

/** As TAO's TF1 pruner logs with -v. */
function logOf(counts: Readonly<Record<string, readonly [number, number]>>): string {
  const lines = Object.entries(counts).map(
    ([name, [filters, kept]]) =>
      `2026-11-25 21:59:36,056 [TAO Toolkit] [DEBUG] nvidia_tao_tf1.core.pruning.pruning 822: layer ${name}: ${filters} -> ${kept} - actions: [name: ${name}] `,
  );
  return ['2026-11-25 21:59:36,039 [TAO Toolkit] [INFO] Exploring graph for retainable indices', ...lines, ''].join(
    '\n',
  );
}

const right = Object.fromEntries(
  Object.entries(golden.layers).map(([name, { filters, retained }]) => [name, [filters, retained.length] as const]),
);
const [first = ''] = Object.keys(right);

function reportedBy(text: string): Promise<Checked> {
  const [spec, reported] = [join(work, 'spec.json'), join(work, 'prune.log')];
  writeFileSync(spec, JSON.stringify({ dialect: 'tao-tf1', network: golden.network, prune: golden.prune }));
  writeFileSync(reported, text);
  const models = { dense: join(golden.folder, 'dense.onnx'), pruned: join(golden.folder, 'pruned.onnx') };
  const [request] = loadRequests(settingsFromFlags({ ...models, spec, reported }), work);
  return check(request!, { version: 'test', isHashed: false, log() {} });
}

describe('a log that tells how many filters stay', () => {
  it('is compared with the model layer by layer', async () => {
    const { report, exitCode } = await reportedBy(logOf(right));
    expect({ exitCode, findings: report.findings }).toEqual({ exitCode: 0, findings: [] });
    const all = report.layers.length;
    expect(report.notes).toContain(
      `The report tells how many filters stay, not which: the numbers of ${all} of ${all} layers were compared.`,
    );
  });

  it('diverges where a number is another one', async () => {
    const [filters, kept] = right[first]!;
    const { report, exitCode } = await reportedBy(logOf({ ...right, [first]: [filters, kept + 1] }));
    expect(exitCode).toBe(1);
    expect(report.findings).toMatchObject([
      {
        kind: 'reported',
        title: `the number of filters reported for ${first} is not that of the model`,
        details: [`${first}: the log says that ${kept + 1} stay, the model keeps ${kept}; ${kept} are expected.`],
      },
    ]);
  });

  it('may be of another model', async () => {
    const { report } = await reportedBy(logOf({ ...right, [first]: [999, right[first]![1]], other: [16, 8] }));
    expect(report.notes).toContain('The report names other, which the dense model does not have.');
    expect(report.notes).toContain(`The report is of another dense model: ${first} has 999 filters in it.`);
  });
});
