import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadRequests, type ModelRequest, settingsFromFlags, settingsFromInputs } from '../../src/config/index.ts';
import { type Flags, mistake, project, requests, TWO } from './project.ts';

const schema = JSON.parse(readFileSync('schemas/config.schema.json', 'utf8'));

function request(
  config: string | null,
  ...given: readonly [flags?: Readonly<Record<string, unknown>>, files?: Readonly<Record<string, string>>]
): ModelRequest {
  const [first, ...rest] = requests(config, ...given);
  if (first === undefined || rest.length > 0) throw new Error('not one model');
  return first;
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
      lockFile: null,
      folding: null,
      commands: { export: null, prune: null },
      notes: [],
      again: ['--dense', 'd.onnx'],
      policy: null,
      lockAtBase: null,
      siblings: ['model'],
      failOn: defaults('fail-on'),
      warnOnly: defaults('warn-only'),
      reportDir: null,
      formats: [],
      format: 'text',
      annotations: defaults('annotations'),
      tolerance: null,
      execution: 'none',
      executionProvider: defaults('execution-provider'),
      requireGpu: defaults('require-gpu'),
      onnxruntime: null,
      inputs: [],
      inputShapes: [],
      baseline: null,
      maxFiltersFlipped: null,
      maxLatencyRatio: null,
      minParameterReduction: null,
      minMacReduction: null,
      minSizeReduction: null,
      passEnv: [],
      allowUntrustedCommands: false,
      comment: defaults('comment'),
      checkRun: defaults('check-run'),
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
      lockFile: 'c/l.json',
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
      lockFile: 'f/l.json',
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
    expect(read.spec?.at('threshold')).toEqual({ file: null, line: null, key: '--overrides: threshold' });
    expect(read.spec?.at('granularity')).toEqual({ file: 'prunegate.yml', line: 3, key: 'overrides[1]: granularity' });
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
      lockFile: 'ci/l.json',
      spec: { file: 'specs/s.yaml' },
    });
    expect(read?.at('dense')).toEqual({ file: 'ci/gate.yml', line: 1, key: 'dense' });
  });

  it('of the report folder and the spec follow the same rule', () => {
    const folder = project({ 'ci/gate.yml': 'dense: d.onnx\nreport-dir: out\n', 's.yaml': 'threshold: 1' });
    const read = (flags: Flags) => loadRequests(settingsFromFlags({ config: 'ci/gate.yml', ...flags }), folder)[0];
    expect(read({})?.reportDir).toBe('ci/out');
    expect(read({ reportDir: 'out', spec: 's.yaml' })).toMatchObject({ reportDir: 'out', spec: { file: 's.yaml' } });
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
      tolerance: '0.1',
      inputs: '[a.npy]',
      'input-shapes': '[a=1]',
      'max-latency-ratio': '1',
      'min-parameter-reduction': '0.5',
      'min-mac-reduction': '0.5',
      'min-size-reduction': '0.5',
      'max-filters-flipped': '1',
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
