import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import { check } from '../../src/pipeline/check.ts';
import { prune } from '../../src/pipeline/prune.ts';
import { declaredGoldensIn, FIXTURES } from '../support/declared-golden.ts';

const work = mkdtempSync(join(tmpdir(), 'prunegate-zeroed-'));
const golden = declaredGoldensIn(FIXTURES).find(({ name }) => name === 'ln_mobile_l2_030')!;

function requestOf(prunes: Readonly<Record<string, unknown>>, pruned: string | null) {
  const spec = join(work, 'spec.json');
  writeFileSync(spec, JSON.stringify({ ...golden.spec, prune: { ...golden.spec.prune, ...prunes } }));
  const flags = { dense: join(golden.folder, 'dense.onnx'), spec, ...(pruned === null ? {} : { pruned }) };
  return loadRequests(settingsFromFlags(flags), work)[0]!;
}

describe('the built-in pruner of a spec that zeroes', () => {
  it.each([[['weight']], [['weight', 'bias', 'bn']]])('writes a model that conforms, zeros in %j', async (zeroes) => {
    const out = join(work, `${zeroes.length}.onnx`);
    const { notes } = await prune(requestOf({ zeroes }, null), out, 'test');
    expect(notes.join()).toMatch(/zeroed, not removed/);
    const { report, exitCode } = await check(requestOf({ zeroes }, out), {
      version: 'test',
      isHashed: false,
      log() {},
    });
    expect({ findings: report.findings, exitCode }).toEqual({ findings: [], exitCode: 0 });
  });

  it('says what it does not do', async () => {
    const out = join(work, 'none.onnx');
    const cut = { form: 'removed', group: { coupled: 'together' }, keep: { rule: 'ratio', amount: 0.3 } };
    const pruned = (prunes: Readonly<Record<string, unknown>>) =>
      prune(requestOf({ ...cut, ...prunes }, null), out, 'test');
    await expect(pruned({ compensation: 'bias' })).rejects.toThrow(/adds no compensation/);
    await expect(pruned({ order: 'importance' })).rejects.toThrow(/leaves filters in their order/);
    await expect(pruned({ layers: { 'head.0': { form: 'zeroed' } } })).rejects.toThrow(/in one model/);
    await expect(pruned({ keep: { rule: 'as-pruned' } })).rejects.toThrow(/for the pruned model to say/);
  });
});
