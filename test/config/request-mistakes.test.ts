import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags, settingsFromInputs } from '../../src/config/index.ts';
import { InputError } from '../../src/errors/input-error.ts';
import { type Flags, mistake, project, requests, TWO } from './project.ts';

function writeConfig(folder: string, text: string): string {
  writeFileSync(join(folder, 'prunegate.yml'), text);
  return folder;
}

describe('mistakes', () => {
  it.each<readonly [string | null, Flags, string]>([
    [null, {}, '--dense: is required: name the dense model with --dense'],
    ['pruned: p\n', {}, '--dense: is required: name the dense model with --dense or set dense in prunegate.yml'],
    [
      'models:\n  - name: a\n',
      {},
      'prunegate.yml:2: models[0].dense: is required: name the dense model with --dense or set dense in prunegate.yml',
    ],
    ['dens: d', {}, 'prunegate.yml:1: dens: is no known key: did you mean dense? (found "d")'],
    ['dense: d\n\nfail_on: []', {}, 'prunegate.yml:3: fail_on: is no known key: did you mean fail-on? (found [])'],
    [
      'dense: d\nwibble: 1',
      {},
      'prunegate.yml:2: wibble: is no known key; known are models, name, dense, dense-folded, pruned, spec, overrides, export, prune, reported, lock, folding, tolerance, inputs, input-shapes, max-latency-ratio, min-parameter-reduction, min-mac-reduction, min-size-reduction, baseline, max-filters-flipped, execute, execution-provider, require-gpu, onnxruntime, fail-on, warn-only, report-dir, formats, annotations, comment, check-run (found 1)',
    ],
    ['models: []', {}, 'prunegate.yml:1: models: must not be empty (found [])'],
    ['models:\n  - dense: x', {}, 'prunegate.yml:2: models[0].name: is required'],
    ['models:\n  a: {dense: x}', {}, 'prunegate.yml:1: models: must be a list (found {"a":{"dense":"x"}})'],
    [
      `${TWO}  - name: A\n    dense: c\n`,
      {},
      'prunegate.yml:6: models[2].name: must be unique: models[0].name on line 2 has the same folder (found "A")',
    ],
    [
      TWO,
      { dense: 'q' },
      '--dense: is ambiguous: prunegate.yml has 2 models; choose one with --model (a, b) (found "q")',
    ],
    [
      TWO,
      { overrides: ['a=1'] },
      '--overrides: is ambiguous: prunegate.yml has 2 models; choose one with --model (a, b) (found ["a=1"])',
    ],
    [
      TWO.replaceAll('name: a', 'name: mobile'),
      { model: 'mobil' },
      '--model: must be one of mobile, b: did you mean mobile? (found "mobil")',
    ],
    [TWO, { model: 'xyz' }, '--model: must be one of a, b (found "xyz")'],
    ['dense: d', { model: 'a' }, '--model: names a model of prunegate.yml, and none has a name (found "a")'],
    ['dense: 3', {}, 'prunegate.yml:1: dense: must be text (found 3)'],
    ['dense: d\nspec: [a]', {}, 'prunegate.yml:2: spec: must be text or a mapping (found ["a"])'],
    ['dense: d\nwarn-only: yes', {}, 'prunegate.yml:2: warn-only: must be true or false (found "yes")'],
    ['dense: d\nfail-on: none', {}, 'prunegate.yml:2: fail-on: must be a list (found "none")'],
    [
      'dense: d\nfail-on: [mismach]',
      {},
      'prunegate.yml:2: fail-on[0]: must be one of mismatch, ambiguous, unverifiable: did you mean mismatch? (found "mismach")',
    ],
    ['dense: d\nexport: ./e.sh', {}, 'prunegate.yml:2: export: must be a mapping (found "./e.sh")'],
    [
      'dense: d\nprune: {threshold: 0.5}',
      {},
      'prunegate.yml:2: prune.threshold: is no known key; known are run, shell, working-directory, env, timeout-minutes (found 0.5)',
    ],
    [
      'dense: d\nprune: {run: x, timeout-minutes: 0}',
      {},
      'prunegate.yml:2: prune.timeout-minutes: must be above 0 (found 0)',
    ],
    [
      'dense: d\nprune: {run: x, env: {A: [1]}}',
      {},
      'prunegate.yml:2: prune.env.A: must be text or a finite number or true or false (found [1])',
    ],
    [
      'dense: d\noverrides: [a=1]',
      {},
      'prunegate.yml:2: overrides[0]: overrides a spec, but none is given (found "a=1")',
    ],
    ['dense: ~/d.onnx', {}, 'prunegate.yml:1: dense: must be a whole path: ~ is not expanded here (found "~/d.onnx")'],
    ['dense: "a\\0b"', {}, 'prunegate.yml:1: dense: must not hold a NUL character (found "a\\u0000b")'],
    ['dense: d', { config: 'nope.yml' }, '--config: names nope.yml, which does not exist'],
    ['dense: d', { config: '.' }, '--config: names ., which is a directory, not a file'],
    ['dense: d', { spec: 'nope.yaml' }, '--spec: names nope.yaml, which does not exist'],
    ['dense: d', { workingDirectory: 'nope' }, '--working-directory: must be an existing folder (found "nope")'],
    [
      'dense: d',
      { workingDirectory: 'prunegate.yml/x' },
      '--working-directory: must be an existing folder (found "prunegate.yml/x")',
    ],
    ['', {}, 'prunegate.yml: is empty'],
  ])('%j with %j', (config, flags, message) => {
    expect(mistake(() => requests(config, flags))).toBe(message);
  });

  it('are reported in the words of the inputs', () => {
    const folder = project({ 'prunegate.yml': TWO });
    const inputs = (given: Readonly<Record<string, string>>) => settingsFromInputs((name) => given[name] ?? '');
    expect(mistake(() => loadRequests(inputs({ 'dense-folded': 'l' }), folder))).toBe(
      'input dense-folded: is ambiguous: prunegate.yml has 2 models; choose one with input model (a, b) (found "l")',
    );
  });

  it('include two config files', () => {
    expect(mistake(() => requests('dense: d', {}, { 'prunegate.yaml': 'dense: d' }))).toBe(
      'prunegate.yml: stands beside prunegate.yaml: keep one of them',
    );
  });

  it('in any mutation of a good config are InputErrors of one line', () => {
    const good = {
      models: [
        {
          name: 'a',
          spec: { prune: { threshold: 0.5 }, task: 'x' },
          overrides: ['prune.threshold=1'],
          dense: 'd',
          pruned: 'p',
          export: { run: 'x', env: { A: 1 } },
        },
        {
          name: 'b',
          spec: { threshold: 1 },
          dense: 'd',
          reported: 'r',
          lock: 'l',
          folding: 'raw',
          prune: { run: 'x', 'timeout-minutes': 1 },
        },
      ],
      'fail-on': ['mismatch'],
      'warn-only': false,
      'report-dir': 'out',
    };
    const paths: (readonly (string | number)[])[] = [];
    const walk = (value: unknown, path: readonly (string | number)[]) => {
      paths.push(path);
      if (typeof value !== 'object' || value === null) return;
      for (const [key, item] of Object.entries(value)) walk(item, [...path, Array.isArray(value) ? Number(key) : key]);
    };
    walk(good, []);
    const folder = project();
    const changed = (
      value: unknown,
      path: readonly (string | number)[],
      change: (old: unknown) => unknown,
    ): unknown => {
      const [first, ...rest] = path;
      if (first === undefined) return change(value);
      const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string | number, unknown>;
      copy[first] = changed(copy[first], rest, change);
      return copy;
    };
    let refused = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...paths),
        fc.oneof(fc.jsonValue(), fc.constantFrom('', '~/x', '__proto__', {}, [], [[]])),
        fc.string(),
        (path, value, key) => {
          for (const change of [
            () => value,
            (old: unknown) => (typeof old === 'object' && !Array.isArray(old) ? { ...old, [key]: value } : [old]),
          ]) {
            const text = JSON.stringify(changed(good, path, change), null, 1);
            try {
              loadRequests(settingsFromFlags({}), writeConfig(folder, text));
            } catch (error) {
              if (!(error instanceof InputError)) throw error;
              expect(error.message).not.toMatch(/[\n\r]/);
              expect(error.message).toMatch(/^prunegate\.yml|^--dense: /);
              refused += 1;
            }
          }
        },
      ),
      { numRuns: 200 },
    );
    expect(refused).toBeGreaterThan(50);
    expect(loadRequests(settingsFromFlags({}), writeConfig(folder, JSON.stringify(good)))).toHaveLength(2);
  }, 30_000);
});
