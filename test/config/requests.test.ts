import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  InputError,
  loadRequests,
  type ModelRequest,
  settingsFromFlags,
  settingsFromInputs,
} from '../../src/config/index.ts';
import { mistake, project } from './project.ts';

const schema = JSON.parse(readFileSync('schemas/config.schema.json', 'utf8'));
const TWO = 'models:\n  - name: a\n    dense: a.onnx\n  - name: b\n    dense: b.onnx\n';

type Flags = Readonly<Record<string, unknown>>;
type Files = Readonly<Record<string, string>>;

function requests(config: string | null, flags: Flags = {}, files: Files = {}): readonly ModelRequest[] {
  const folder = project({ ...files, ...(config === null ? {} : { 'prunegate.yml': config }) });
  return loadRequests(settingsFromFlags(flags), folder);
}

function request(config: string | null, flags: Flags = {}, files: Files = {}): ModelRequest {
  const [first, ...rest] = requests(config, flags, files);
  if (first === undefined || rest.length > 0) throw new Error('not one model');
  return first;
}

function writeConfig(folder: string, text: string): string {
  writeFileSync(join(folder, 'prunegate.yml'), text);
  return folder;
}

describe('defaults', () => {
  it('come from the schema', () => {
    const defaults = (key: string) => schema.properties[key].default;
    const { at: _, ...read } = request(null, { dense: 'd.onnx' });
    expect(read).toEqual({
      name: null,
      dense: 'd.onnx',
      denseFolded: null,
      pruned: null,
      spec: null,
      reported: null,
      lock: null,
      folding: null,
      commands: { export: null, prune: null },
      failOn: defaults('fail-on'),
      warnOnly: defaults('warn-only'),
      reportDir: null,
      format: 'text',
      annotations: defaults('annotations'),
    });
    expect(read.failOn).toEqual(['mismatch', 'unverifiable']);
  });
});

describe('precedence', () => {
  const config = `name: m
dense: c/d.onnx
dense-folded: c/df.onnx
pruned: c/p.onnx
spec: c/s.yaml
reported: c/r.json
lock: c/l.json
folding: raw
fail-on: [ambiguous]
warn-only: true
report-dir: c/out
annotations: false
`;
  const files = { 'c/s.yaml': 'threshold: 0.1', 'f/s.yaml': 'threshold: 0.9' };

  it('is the file over the defaults', () => {
    expect(request(config, {}, files)).toMatchObject({
      name: 'm',
      dense: 'c/d.onnx',
      denseFolded: 'c/df.onnx',
      pruned: 'c/p.onnx',
      spec: { file: 'c/s.yaml', section: { threshold: 0.1 } },
      reported: 'c/r.json',
      lock: 'c/l.json',
      folding: 'raw',
      failOn: ['ambiguous'],
      warnOnly: true,
      reportDir: 'c/out',
      annotations: false,
    });
  });

  it('is flags over the file', () => {
    const flags = {
      dense: 'f/d.onnx',
      denseFolded: 'f/df.onnx',
      pruned: 'f/p.onnx',
      spec: 'f/s.yaml',
      reported: 'f/r.json',
      lockFile: 'f/l.json',
      folding: 'folded',
      failOn: 'mismatch',
      warnOnly: 'false',
      reportDir: 'f/out',
      annotations: true,
      format: 'json',
    };
    expect(request(config, flags, files)).toMatchObject({
      name: 'm',
      dense: 'f/d.onnx',
      denseFolded: 'f/df.onnx',
      pruned: 'f/p.onnx',
      spec: { file: 'f/s.yaml', section: { threshold: 0.9 } },
      reported: 'f/r.json',
      lock: 'f/l.json',
      folding: 'folded',
      failOn: ['mismatch'],
      warnOnly: false,
      reportDir: 'f/out',
      annotations: true,
      format: 'json',
    });
  });

  it('is key by key', () => {
    expect(request(config, { pruned: 'other.onnx', failOn: 'none' }, files)).toMatchObject({
      dense: 'c/d.onnx',
      pruned: 'other.onnx',
      failOn: [],
    });
  });

  it('applies overrides of flags after those of the file, also to a spec given by a flag', () => {
    const text = 'dense: d\nspec: c/s.yaml\noverrides: [threshold=0.2, granularity=4]\n';
    const read = request(text, { overrides: ['threshold=0.3'], spec: 'f/s.yaml' }, files);
    expect({ ...read.spec?.section }).toEqual({ threshold: 0.3, granularity: 4 });
    expect(read.spec?.at('threshold')).toEqual({ file: null, line: null, key: '--overrides' });
    expect(read.spec?.at('granularity')).toEqual({ file: 'prunegate.yml', line: 3, key: 'overrides[1]' });
  });
});

describe('paths', () => {
  it('of the config are relative to it, of flags to the working folder', () => {
    const folder = project({
      'ci/gate.yml': 'dense: out/d.onnx\nspec: ../specs/s.yaml\nlock: l.json\n',
      'specs/s.yaml': 'threshold: 1',
    });
    const [read] = loadRequests(settingsFromFlags({ config: 'ci/gate.yml', pruned: './out/p ü.onnx' }), folder);
    expect(read).toMatchObject({
      dense: join('ci', 'out', 'd.onnx'),
      pruned: './out/p ü.onnx',
      lock: 'ci/l.json',
      spec: { file: 'specs/s.yaml' },
    });
    expect(read?.at('dense')).toEqual({ file: 'ci/gate.yml', line: 1, key: 'dense' });
  });

  it('follow the working directory, where the config is looked for too', () => {
    const folder = project({ 'sub/prunegate.yaml': 'dense: d.onnx\nreport-dir: out\n' });
    const [read] = loadRequests(
      settingsFromInputs((name) => ({ 'working-directory': 'sub', pruned: 'p.onnx' })[name] ?? ''),
      folder,
    );
    expect(read).toMatchObject({ dense: 'sub/d.onnx', pruned: 'sub/p.onnx', reportDir: 'sub/out' });
  });

  it('stay absolute, or become so outside of the process folder', () => {
    const folder = project({ 'a/gate.yml': 'dense: ../../d.onnx\npruned: /models/p.onnx\n' });
    const [read] = loadRequests(
      settingsFromFlags({ config: join(folder, 'a/gate.yml'), reported: '../r.json' }),
      folder,
    );
    expect(read).toMatchObject({ dense: join(folder, '../d.onnx'), pruned: '/models/p.onnx', reported: '../r.json' });
  });

  it('can be opened when cwd is not the process folder', () => {
    const folder = project({ 'prunegate.yml': 'dense: d.onnx\n', 'here/x': '' });
    process.chdir('here');
    expect(loadRequests(settingsFromFlags({ pruned: 'p.onnx' }), folder)).toMatchObject([
      { dense: join(folder, 'd.onnx'), pruned: join(folder, 'p.onnx') },
    ]);
  });

  it('go through a symlinked config', () => {
    const folder = project({ 'real/gate.yml': 'dense: d.onnx\n' });
    symlinkSync('real', 'link');
    expect(loadRequests(settingsFromFlags({ config: 'link/gate.yml' }), folder)).toMatchObject([
      { dense: 'link/d.onnx' },
    ]);
  });
});

describe('several models', () => {
  it('are all taken, or one by its name', () => {
    expect(requests(TWO).map(({ name, dense }) => [name, dense])).toEqual([
      ['a', 'a.onnx'],
      ['b', 'b.onnx'],
    ]);
    expect(request(TWO, { model: 'b', pruned: 'p.onnx' })).toMatchObject({
      name: 'b',
      dense: 'b.onnx',
      pruned: 'p.onnx',
    });
    expect(requests(TWO, { warnOnly: true, format: 'json' }).map(({ warnOnly, format }) => [warnOnly, format])).toEqual(
      [
        [true, 'json'],
        [true, 'json'],
      ],
    );
  });

  it.each(['a', 'MobileNet-v2', '0.5_x', 'x'.repeat(100)])('may be named %s', (name) => {
    expect(request(`models: [{name: "${name}", dense: d}]`).name).toBe(name);
  });

  it.each(['', '.', '..', '.git', '-a', 'a/b', 'a\\\\b', 'a b', 'ü', 'x'.repeat(101), 'a\\nb'])(
    'may not be named "%s"',
    (name) => {
      expect(mistake(() => request(`models: [{name: "${name}", dense: d}]`))).toMatch(
        /^prunegate\.yml:1: models\[0\]\.name: must be a name that can be a folder: letters, digits, '\.', '_' and '-', first a letter or digit, at most 100 \(found /,
      );
    },
  );

  it.each(Object.keys(schema.definitions.model.properties))('leave no room for a model key %s beside them', (key) => {
    const values: Readonly<Record<string, string>> = {
      overrides: '[a=b]',
      export: '{run: a}',
      prune: '{run: a}',
      folding: 'raw',
    };
    expect(mistake(() => requests(`${TWO}${key}: ${values[key] ?? 'x'}\n`))).toMatch(
      new RegExp(`^prunegate\\.yml:6: ${key}: belongs to a model: move it under models \\(found `),
    );
  });
});

describe('specs', () => {
  it('may be inline, for each model its own', () => {
    const text =
      'models:\n  - {name: a, dense: a, spec: {threshold: 0.1}}\n  - {name: b, dense: b, spec: {prune: {threshold: 0.2}}, overrides: [prune.threshold=0.3]}\n';
    const [a, b] = requests(text);
    expect(a?.spec?.at('threshold')).toEqual({ file: 'prunegate.yml', line: 2, key: 'models[0].spec.threshold' });
    expect([b?.spec?.section.threshold, b?.spec?.line('threshold')]).toEqual([0.3, 3]);
  });

  it('are read for the chosen model only', () => {
    const text = 'models:\n  - {name: a, dense: a, spec: nope.yaml}\n  - {name: b, dense: b}\n';
    expect(request(text, { model: 'b' }).spec).toBeNull();
    expect(mistake(() => requests(text))).toBe(
      'prunegate.yml:2: models[0].spec: names nope.yaml, which does not exist',
    );
  });
});

describe('commands', () => {
  it('are kept with their settings, environment values as they are spelled', () => {
    const text =
      'dense: d\nexport: {run: ./e.sh}\nprune:\n  run: |\n    a\n    b\n  shell: bash\n  working-directory: w\n  env: {A: 1e3, B: no, C: 010, D: "x"}\n  timeout-minutes: 30\n';
    const folder = project({ 'prunegate.yml': text });
    const [read] = loadRequests(settingsFromFlags({}), folder);
    expect(read?.commands).toEqual({
      export: {
        run: './e.sh',
        shell: null,
        workingDirectory: folder,
        env: {},
        timeoutMinutes: null,
        at: { file: 'prunegate.yml', line: 2, key: 'export' },
      },
      prune: {
        run: 'a\nb\n',
        shell: 'bash',
        workingDirectory: 'w',
        env: { A: '1e3', B: 'no', C: '010', D: 'x' },
        timeoutMinutes: 30,
        at: { file: 'prunegate.yml', line: 3, key: 'prune' },
      },
    });
    const inputs = { 'export-command': 'make', 'timeout-minutes': '5' } as Readonly<Record<string, string>>;
    const [over] = loadRequests(
      settingsFromInputs((name) => inputs[name] ?? ''),
      folder,
    );
    expect(over?.commands).toMatchObject({
      export: { run: 'make', timeoutMinutes: 5, at: { file: null, key: 'input export-command' } },
      prune: { timeoutMinutes: 5 },
    });
  });
});

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
      'prunegate.yml:2: wibble: is no known key; known are models, name, spec, overrides, dense, dense-folded, pruned, export, prune, reported, lock, folding, fail-on, warn-only, report-dir, annotations (found 1)',
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
    ['dense: d', { config: '.' }, '--config: names ., which is a folder, not a file'],
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

  it('are told in the words of the inputs', () => {
    const folder = project({ 'prunegate.yml': TWO });
    const inputs = (given: Readonly<Record<string, string>>) => settingsFromInputs((name) => given[name] ?? '');
    expect(mistake(() => loadRequests(inputs({ 'lock-file': 'l' }), folder))).toBe(
      'input lock-file: is ambiguous: prunegate.yml has 2 models; choose one with input model (a, b) (found "l")',
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
      { numRuns: 400 },
    );
    expect(refused).toBeGreaterThan(100);
    expect(loadRequests(settingsFromFlags({}), writeConfig(folder, JSON.stringify(good)))).toHaveLength(2);
  });
});
