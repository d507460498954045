import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import { check } from '../../src/pipeline/check.ts';

/** A Python that has recipes/torch/requirements.txt: that of PRUNEGATE_TORCH_PYTHON, else the one on the path. */
const PYTHON = process.env['PRUNEGATE_TORCH_PYTHON'] ?? 'python3';
const has = (modules: string): boolean =>
  spawnSync(PYTHON, ['-c', `import ${modules}`], { stdio: 'ignore' }).status === 0;
const hasTorch = has('torch, torch_pruning, onnx');
const make = join(import.meta.dirname, '../../bench/coverage/make.py');

interface Made {
  readonly hasNorm: boolean;
  readonly cells: Readonly<Record<string, { readonly twin: string }>>;
}

describe.skipIf(!hasTorch)('small networks of bench/coverage (skipped without a Python that has torch)', () => {
  // What the dynamo exporter needs is no part of the recipe.
  const forms = ['torchscript', 'torchscript-folded', ...(has('onnxscript') ? ['dynamo', 'dynamo-raw'] : [])];

  it.each([
    ['small-unet', 'declared'],
    ['small-crnn', 'torch-pruning'],
    ['small-llama', 'torch-pruning'],
  ])(
    '%s, pruned by the rule of %s, conforms, and its wrong twins do not',
    { timeout: 240_000 },
    async (net, pruner) => {
      const folder = mkdtempSync(join(tmpdir(), 'prunegate-coverage-'));
      const file = (name: string): string => join(folder, name);
      const run = spawnSync(PYTHON, [make, net, pruner, folder, '--exports', forms.join(',')], {
        encoding: 'utf8',
        env: { ...process.env, OMP_NUM_THREADS: '1', PYTHONDONTWRITEBYTECODE: '1' },
      });
      expect(run.status, run.stderr).toBe(0);
      const made: Made = JSON.parse(readFileSync(file('cells.json'), 'utf8'));
      expect(Object.keys(made.cells ?? {}), run.stderr).toEqual(forms);
      const verdictOf = async (kind: string, form: string): Promise<string | null> => {
        const dense = file(form === 'dynamo-raw' ? 'dense.dynamo-raw.onnx' : 'dense.onnx');
        const flags = { dense, pruned: file(`${kind}.${form}.onnx`), spec: file('spec.json') };
        const folding = made.hasNorm ? {} : { folding: 'raw' };
        const [request] = loadRequests(settingsFromFlags({ ...flags, ...folding }), folder);
        return (await check(request!, { version: 'test', isHashed: false, log() {} })).report.verdict;
      };
      for (const form of forms) {
        expect([form, await verdictOf('pruned', form)]).toEqual([form, 'conforms']);
        expect([form, made.cells[form]!.twin, await verdictOf('wrong', form)]).toEqual([
          form,
          expect.any(String),
          'diverges',
        ]);
      }
    },
  );
});
