import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runAction } from '../support/action.ts';

const root = join(import.meta.dirname, '../..');
const example = join(root, 'examples/mobilenet-v2');
const work = mkdtempSync(join(tmpdir(), 'prunegate-formats-'));
const WRONG = ['--dense', 'dense.onnx', '--pruned', 'pruned-naive.onnx', '--spec', 'prune.yaml'];
const INPUTS = { dense: 'm/dense.onnx', pruned: 'm/pruned-naive.onnx', spec: 'm/prune.yaml' };

function prunegate(...args: readonly string[]) {
  return spawnSync(process.execPath, [join(root, 'dist/cli.cjs'), ...args], { cwd: example, encoding: 'utf8' });
}

describe('reports in other formats', () => {
  it('are printed alone, and written beside report.json', () => {
    const printed = prunegate('check', ...WRONG, '--format', 'sarif', '--formats', 'sarif,junit', '--report-dir', work);
    expect(printed.status).toBe(1);
    expect(JSON.parse(printed.stdout)).toMatchObject({ version: '2.1.0' });
    const read = (extension: string): string => readFileSync(join(work, 'model', `report.${extension}`), 'utf8');
    expect(read('sarif')).toBe(printed.stdout);
    expect(read('junit.xml')).toContain('<testsuites name="prunegate" tests="14" failures="2"');
    expect(JSON.parse(read('json'))).toMatchObject({ verdict: 'diverges' });
  });

  it('need a folder, and are no explanations', () => {
    expect(prunegate('check', ...WRONG, '--formats', 'junit')).toMatchObject({
      status: 2,
      stderr: 'prunegate: --formats: needs --report-dir, under which the files are written\n',
    });
    const model = ['--dense', 'dense.onnx', '--spec', 'prune.yaml'];
    expect(prunegate('explain', ...model, '--format', 'junit').stderr).toContain('must be text, json or markdown');
    expect(prunegate('check', ...WRONG, '--formats', 'xml').stderr).toContain(
      'must be none or a list of text, markdown',
    );
  });

  it('are named by outputs of the action', async () => {
    const { outputs, status } = await runAction({ inputs: { ...INPUTS, formats: 'sarif, junit' } });
    expect(status).toBe(1);
    expect(outputs['sarif']).toMatch(/prunegate[/\\]step[/\\]model[/\\]report\.sarif$/);
    expect(outputs['junit']).toMatch(/report\.junit\.xml$/);
    for (const name of ['report-json', 'sarif', 'junit']) expect(existsSync(outputs[name]!), name).toBe(true);
    const { runs } = JSON.parse(readFileSync(outputs['sarif']!, 'utf8'));
    expect(runs[0].results[0].locations[0].physicalLocation.artifactLocation.uri).toBe('m/prune.yaml');
    const plain = await runAction({ inputs: INPUTS });
    expect(plain.outputs).toMatchObject({ sarif: '', junit: '' });
  });

  it('are one file of a merge', async () => {
    const { outputs, workspace } = await runAction({
      inputs: { mode: 'merge', reports: join(work, 'model/report.json'), formats: 'junit', 'report-dir': 'merged' },
    });
    expect(outputs['junit']).toBe(join(workspace, 'merged/report.junit.xml'));
    expect(readFileSync(outputs['junit']!, 'utf8')).toContain('<testsuite name="model"');
  });
});
