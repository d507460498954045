import { describe, expect, it } from 'vitest';
import { diagnose, type Machine, workflowText } from '../../src/setup/index.ts';

const well: Machine = {
  node: 'v24.1.0',
  platform: 'linux',
  runtime: { folder: '/ort', version: '1.30.0', hasCuda: true },
  gpus: { names: ['NVIDIA H100 (driver 570)'] },
  libraries: [
    'libcudart.so.12',
    'libcublasLt.so.12',
    'libcublas.so.12',
    'libcufft.so.11',
    'libcudnn.so.9',
    'libc.so.6',
  ],
  docker: 'Docker version 28',
  git: 'git version 2.39',
  workflows: new Map(),
};

/** What is missing, with the line that mends it. */
const missing = (machine: Partial<Machine>): readonly string[] =>
  diagnose({ ...well, ...machine })
    .filter(({ state }) => state === 'missing')
    .map(({ what, said, remedy }) => `${what}: ${said} -> ${remedy}`);

describe('doctor', () => {
  it('finds nothing where all is there, and a remedy for all that is not', () => {
    expect(missing({})).toEqual([]);
    expect(diagnose(well).every(({ remedy, state }) => (state === 'ok') === (remedy === null))).toBe(true);
  });

  it.each([
    [{ node: 'v20.18.1' }, 'install Node.js 20.19 or newer'],
    [{ runtime: null }, 'npm install onnxruntime-node'],
    [{ runtime: { folder: '/ort', version: '1.30.0', hasCuda: false } }, '--onnxruntime-node-install=cuda12'],
    [{ libraries: ['libcudart.so.12'] }, 'does not find libcublasLt.so.12'],
  ])('says what mends %j', (machine, remedy) => {
    expect(missing(machine).join('\n')).toContain(remedy);
  });

  it('asks for no CUDA where there is no GPU', () => {
    expect(missing({ gpus: { reason: 'nvidia-smi is not on the PATH' }, libraries: [] })).toEqual([]);
  });

  it('says what the token of a job lacks', () => {
    const job = (permissions: string, inputs = ''): string =>
      `jobs:\n  gate:\n    permissions: ${permissions}\n    steps:\n      - uses: prunegate/prunegate@v1\n${inputs}`;
    const lacks = (text: string): string => missing({ workflows: new Map([['w.yml', text]]) }).join('\n');
    expect(lacks(job('{contents: read}'))).toContain('write under permissions: of the job: pull-requests: write');
    expect(lacks(job('{contents: read, pull-requests: write}'))).toBe('');
    expect(lacks(job('{contents: read}', '        with: {comment: never}\n'))).toBe('');
    expect(lacks(job('{contents: read, pull-requests: write}', '        with: {check-run: true}\n'))).toContain(
      'checks: write',
    );
    expect(lacks(job('{}'))).toContain('contents: read, pull-requests: write');
    expect(lacks(job('write-all'))).toBe('');
    expect(lacks('jobs: [')).toBe('');
    expect(lacks('permissions: {}\njobs: {gate: {steps: [{uses: prunegate/prunegate@v1}]}}')).toContain(
      'contents: read',
    );
  });

  it('has nothing to say of the workflows that init writes', () => {
    const models = ['a', 'b'].map((name) => ({ name, dense: 'd.onnx', pruned: 'p.onnx', spec: 's.yaml' }));
    const setup = { exportCommand: null, pruneCommand: null, requirements: null, hasLfs: false, version: '1.0.0' };
    for (const count of [1, 2]) {
      const text = workflowText({ ...setup, runner: 'hosted', models: models.slice(0, count) });
      expect(missing({ workflows: new Map([['w.yml', text]]) })).toEqual([]);
    }
  });
});
