import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ActionOptions, runAction } from '../support/action.ts';
import { RIGHT, WRONG } from '../support/pull-request.ts';

describe('a prunegate.yml that came by itself', () => {
  const stray = (config: string, inputs: ActionOptions['inputs'] = WRONG) =>
    runAction({ inputs, prepare: (workspace) => writeFileSync(join(workspace, 'prunegate.yml'), config) });

  it('cannot turn the gate green, run a command or change what is checked, and each key is named', async () => {
    const run = await stray(
      'warn-only: true\nfail-on: []\npruned: m/pruned.onnx\noverrides: [threshold=0]\nexport: {run: touch ran}\n',
    );
    expect(run.status).toBe(1);
    expect(run.outputs).toMatchObject({ verdict: 'diverges', conclusion: 'failure' });
    expect(existsSync(join(run.workspace, 'ran'))).toBe(false);
    for (const key of ['1: warn-only', '2: fail-on', '3: pruned', '4: overrides', '5: export'])
      expect(run.stdout).toContain(`prunegate.yml:${key} is ignored: the workflow`);
  });

  it('can make it stricter', async () => {
    const run = await stray('min-size-reduction: 1\nrequire-gpu: true\n', RIGHT);
    expect(run.status).toBe(1);
    expect(run.stdout).toContain('there is no GPU');
  });
});
