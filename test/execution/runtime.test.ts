import { cpSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { startChild } from '../../src/execution/child.ts';
import { findRuntime, type RuntimeSources } from '../../src/execution/find-runtime.ts';
import { installed, installRuntime } from '../../src/execution/install.ts';
import { findNpm } from '../../src/execution/npm.ts';
import { cacheFolder, inspectRuntime, nearestRuntime } from '../../src/execution/runtime.ts';

const root = join(import.meta.dirname, '../..');
const real = join(root, 'node_modules/onnxruntime-node');
const work = mkdtempSync(join(tmpdir(), 'prunegate-runtime-'));

/** A package folder that looks like one, with or without a native library for this machine. */
function packageIn(folder: string, name = 'onnxruntime-node', hasLibrary = true): string {
  const library = join(folder, 'bin/napi-v6', process.platform, process.arch);
  mkdirSync(library, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, version: '1.2.3' }));
  if (hasLibrary) writeFileSync(join(library, 'onnxruntime_binding.node'), '');
  return folder;
}

function found({ folder = null, ...changes }: Partial<RuntimeSources> & { readonly folder?: string | null }) {
  const sources = { project: work, refusal: null, mayInstall: false, ...changes };
  return findRuntime({ folder, withCuda: false, log() {} }, sources);
}

afterEach(() => vi.unstubAllEnvs());

describe('an onnxruntime-node', () => {
  it('is the folder that the user names, or in its node_modules', async () => {
    const project = join(work, 'project');
    const folder = packageIn(join(project, 'node_modules/onnxruntime-node'));
    const package123 = { folder, version: '1.2.3' };
    expect(await found({ folder })).toEqual(package123);
    expect(await found({ folder: project })).toEqual(package123);
  });

  it('is the nearest one above the project, before the one that prunegate came with', async () => {
    const project = join(work, 'above');
    const folder = packageIn(join(project, 'node_modules/onnxruntime-node'));
    mkdirSync(join(project, 'a/b'), { recursive: true });
    expect(await found({ project: join(project, 'a/b') })).toEqual({ folder, version: '1.2.3' });
    expect(await found({ project: mkdtempSync(join(tmpdir(), 'none-')) })).toMatchObject({
      folder: real,
    });
  });

  it('is passed over in a project whose code must not be loaded, and refused where it is named there', async () => {
    const project = join(work, 'fork');
    const folder = packageIn(join(project, 'node_modules/onnxruntime-node'));
    const refusal = 'this pull request is from the fork a/b';
    expect(await found({ project, refusal })).toMatchObject({ folder: real });
    await expect(found({ project, refusal, folder })).rejects.toThrow(
      /^onnxruntime: must not be loaded: this pull request is from the fork a\/b \(found /,
    );
    expect(await found({ project, refusal, folder: real })).toMatchObject({ folder: real });
  });

  it.runIf(process.platform === 'linux')('is refused in such a project by whatever way it is reached', async () => {
    const project = join(work, 'reached');
    const folder = packageIn(join(project, 'evil'));
    const elsewhere = mkdtempSync(join(tmpdir(), 'prunegate-elsewhere-'));
    symlinkSync(folder, join(elsewhere, 'link'));
    mkdirSync(join(elsewhere, 'parts/node_modules'), { recursive: true });
    symlinkSync(folder, join(elsewhere, 'parts/node_modules/onnxruntime-node'));
    symlinkSync(real, join(project, 'outwards'));
    const refusal = 'this pull request is from the fork a/b';
    const here = process.cwd();
    process.chdir(project);
    try {
      const ways = [
        '/proc/self/cwd/evil',
        join(elsewhere, 'link'),
        join(elsewhere, 'parts'),
        join(project, 'outwards'),
      ];
      for (const way of [...ways, '/proc/self/cwd/missing/../evil'])
        await expect(found({ project, refusal, folder: way }), way).rejects.toThrow('must not be loaded');
      expect(await found({ project, refusal, folder: real })).toMatchObject({ folder: real });
      expect(await found({ project, folder: '/proc/self/cwd/evil' })).toMatchObject({ version: '1.2.3' });
    } finally {
      process.chdir(here);
    }
  });

  it.each([
    ['is not there', () => join(work, 'nowhere'), 'holds no onnxruntime-node package'],
    [
      'is another package',
      () => packageIn(join(work, 'other'), 'left-pad'),
      'holds the package left-pad, not onnxruntime-node',
    ],
    [
      'has no library for this machine',
      () => packageIn(join(work, 'bare'), 'onnxruntime-node', false),
      `has no native library for ${process.platform} ${process.arch}`,
    ],
  ])('that %s is the user’s mistake, recognized by name', async (_, folder, problem) => {
    await expect(found({ folder: folder() })).rejects.toThrow(problem);
  });

  it('is looked for in the runner’s tool cache, else in the user’s cache folder', () => {
    expect(cacheFolder({ RUNNER_TOOL_CACHE: '/opt/tools' })).toBe('/opt/tools');
    if (process.platform !== 'win32') expect(cacheFolder({ XDG_CACHE_HOME: '/c' })).toBe(join('/c', 'prunegate'));
    expect(nearestRuntime(root)).toMatchObject({ folder: real });
    expect(inspectRuntime(real)).toMatchObject({ folder: real });
  });
});

describe('installing it', () => {
  const npm = findNpm();

  it('finds npm beside node, else on PATH', () => {
    const folder = mkdtempSync(join(tmpdir(), 'prunegate-npm-'));
    const script = join(folder, 'lib/node_modules/npm/bin/npm-cli.js');
    mkdirSync(dirname(script), { recursive: true });
    writeFileSync(script, '');
    mkdirSync(join(folder, 'bin'));
    symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(folder, 'bin/npm'));
    expect(findNpm(join(folder, 'bin/node'), '')).toBe(script);
    expect(findNpm('/nowhere/bin/node', join(folder, 'bin'))).toBe(script);
    expect(findNpm('/nowhere/bin/node', '/nowhere/else')).toBeNull();
  });

  it.skipIf(npm === null)('without network says so, and leaves nothing behind', async () => {
    const target = { root: mkdtempSync(join(tmpdir(), 'prunegate-offline-')), withCuda: false };
    vi.stubEnv('npm_config_registry', 'http://127.0.0.1:9/');
    vi.stubEnv('npm_config_fetch_retries', '0');
    vi.stubEnv('npm_config_cache', join(target.root, 'cache'));
    const outcome = await installRuntime(target, () => {});
    expect(outcome).toEqual({
      code: 'not-installed',
      reason: expect.stringMatching(/^npm cannot install onnxruntime-node 1\.30\.0: .*ECONNREFUSED/),
    });
    expect(installed(target)).toBeNull();
    expect(readdirSync(join(target.root, 'onnxruntime-node/1.30.0'))).toEqual([]);
  });

  it.skipIf(npm === null)('with CUDA libraries that cannot be had keeps what it has, and says so', async () => {
    const target = { root: mkdtempSync(join(tmpdir(), 'prunegate-cuda-')), withCuda: true };
    const plain = join(target.root, 'onnxruntime-node/1.30.0', process.arch);
    mkdirSync(join(plain, 'node_modules'), { recursive: true });
    const parts = ['dist', 'package.json', 'script', join('bin/napi-v6', process.platform, process.arch)];
    for (const part of parts)
      cpSync(join(real, part), join(plain, 'node_modules/onnxruntime-node', part), { recursive: true });
    cpSync(join(real, '../onnxruntime-common'), join(plain, 'node_modules/onnxruntime-common'), { recursive: true });
    const said: string[] = [];
    const outcome = await installRuntime(target, (line) => said.push(line));
    expect(outcome).toMatchObject({ version: '1.30.0', folder: join(plain, 'node_modules/onnxruntime-node') });
    if (process.platform === 'linux' && process.arch === 'x64')
      expect(said.at(-1)).toMatch(/^the CUDA libraries cannot be downloaded: /);
    expect(readdirSync(dirname(plain))).toEqual([process.arch]);
  });
});

describe('the process that runs models', () => {
  it('tells a runtime that cannot be loaded, and does the next job all the same', async () => {
    const child = startChild({ isExact: false, cancel: null, log() {} });
    const job = { kind: 'probe', providers: ['cpu'], workFolder: mkdtempSync(join(work, 'probe-')) } as const;
    expect(await child.run({ ...job, runtime: packageIn(join(work, 'hollow')) })).toMatchObject({
      kind: 'failed',
      step: 'runtime',
    });
    expect(await child.run({ ...job, runtime: real })).toMatchObject({ kind: 'probe', version: '1.30.0' });
    child.close();
  });

  it('may crash: what it was doing is reported, and nothing else ends', async () => {
    const crashing = packageIn(join(work, 'crashing'));
    writeFileSync(join(crashing, 'index.js'), "console.error('the driver is gone'); process.abort();");
    const child = startChild({ isExact: false, cancel: null, log() {} });
    const job = { kind: 'probe', providers: ['cpu'], workFolder: work, runtime: crashing } as const;
    expect(await child.run(job)).toEqual({
      kind: 'crashed',
      code: 'crashed',
      step: 'runtime',
      side: null,
      message: expect.stringMatching(/^crashed \(SIGABRT\); its last line was: /),
    });
    expect(await child.run(job)).toMatchObject({ kind: 'crashed' });
  });

  it('tells a package that is too old, or none at all, by what it lacks', async () => {
    const old = packageIn(join(work, 'old'));
    writeFileSync(join(old, 'index.js'), 'exports.env = {}; exports.InferenceSession = {};');
    const child = startChild({ isExact: false, cancel: null, log() {} });
    const result = await child.run({ kind: 'probe', providers: ['cpu'], workFolder: work, runtime: old });
    child.close();
    expect(result).toMatchObject({
      kind: 'failed',
      step: 'runtime',
      message: 'it has no InferenceSession.create and Tensor',
    });
  });

  it('gets no token and no input', async () => {
    vi.stubEnv('INPUT_GITHUB-TOKEN', 'secret');
    vi.stubEnv('GITHUB_TOKEN', 'secret');
    vi.stubEnv('MY_SECRET', 'secret');
    const curious = packageIn(join(work, 'curious'));
    writeFileSync(join(curious, 'index.js'), 'throw new Error(Object.keys(process.env).join());');
    const child = startChild({ isExact: false, cancel: null, log() {} });
    const result = await child.run({ kind: 'probe', providers: ['cpu'], workFolder: work, runtime: curious });
    child.close();
    expect(result).toMatchObject({ kind: 'failed', message: expect.stringContaining('PATH') });
    expect(JSON.stringify(result)).not.toMatch(/TOKEN|SECRET/);
  });
});
