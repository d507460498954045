import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startAction } from '../support/action.ts';
import { FIXTURES } from '../support/declared-golden.ts';

/** The action on what ln_structured made of a small network. */
function run(prune: Readonly<Record<string, unknown>>) {
  const { ended } = startAction({
    inputs: { dense: 'g/dense.onnx', pruned: 'g/pruned.onnx', spec: 'g/prune.json', execute: 'false' },
    prepare: (workspace) => {
      cpSync(join(FIXTURES, 'ln_mobile_l2_030'), join(workspace, 'g'), { recursive: true });
      const spec = JSON.parse(readFileSync(join(workspace, 'g/golden.json'), 'utf8')).spec;
      writeFileSync(join(workspace, 'g/prune.json'), JSON.stringify({ ...spec, prune: { ...spec.prune, ...prune } }));
    },
  });
  return ended;
}

describe('the action with a declared spec', () => {
  it('is green where the pruner did as declared', async () => {
    const { status, outputs, summary } = await run({});
    expect(status).toBe(0);
    expect(outputs).toMatchObject({ verdict: 'conforms', mismatched: '0' });
    expect(summary).toContain('zeroed, not removed: the file does not shrink');
  });

  it('is red where it did not, with the cause', async () => {
    const { status, outputs, summary } = await run({ importance: { value: 'l1' } });
    expect(status).toBe(1);
    expect(outputs).toMatchObject({ verdict: 'diverges', conclusion: 'failure' });
    expect(summary).toContain('The kept filters are those of value: l2; the spec says l1.');
  });

  it('is red where zeros should have been a cut, and says just that', async () => {
    const { status, stdout } = await run({ form: 'removed' });
    expect(status).toBe(1);
    expect(stdout).toContain('the pruned model is zeroed, not pruned');
  });
});
