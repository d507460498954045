import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const dist = join(import.meta.dirname, '../../dist');
const files = readdirSync(dist).filter((name) => name.endsWith('.cjs'));

/**
 * What a bundle loads before its first line, directly and by what it loads: `import(...)` is written as `then(()=>require(...))`, a late
 * file as `??=require(...)`.
 */
function loadedAtOnce(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const code = readFileSync(join(dist, file), 'utf8');
  for (const [, name] of code.matchAll(/(?<!=>|\?\?=)\brequire\(["'`]\.\/([^"'`]+)["'`]\)/g)) loadedAtOnce(name!, seen);
  return seen;
}

it('the command line loads the core at once, and nothing else', () => {
  expect([...loadedAtOnce('cli.cjs')].sort()).toEqual(['cli.cjs', 'core.cjs', 'rolldown-runtime.cjs']);
});

it('the action loads no more: GitHub is spoken to last', () => {
  expect([...loadedAtOnce('index.cjs')].sort()).toEqual(['core.cjs', 'index.cjs', 'rolldown-runtime.cjs']);
});

it('the child that runs models has all in one file', () => {
  expect([...loadedAtOnce('execute.cjs')]).toEqual(['execute.cjs']);
});

it('a class of errors is in one of the files that load each other', () => {
  for (const name of ['InputError', 'CancelledError']) {
    const defined = files.filter((file) => readFileSync(join(dist, file), 'utf8').includes(`name=\`${name}\``));
    expect(defined.filter((file) => file !== 'execute.cjs')).toEqual(['core.cjs']);
  }
});

it('all of it together stays small', () => {
  const bytes = readdirSync(dist).reduce((sum, name) => sum + statSync(join(dist, name)).size, 0);
  expect(bytes).toBeLessThan(2_000_000);
});

it('no run parses an expression that needs all emoji of Unicode, which takes longer than all the rest', () => {
  for (const file of loadedAtOnce('cli.cjs')) expect(readFileSync(join(dist, file), 'utf8')).not.toContain('RGI_Emoji');
});

/** Files that load themselves when something in them is first called. */
const late = files.filter((file) =>
  readFileSync(join(dist, 'core.cjs'), 'utf8').includes(`(m??=require("./${file}"))`),
);

it('a check that conforms loads nothing late, whose functions it never runs', () => {
  const example = join(dist, '../examples/mobilenet-v2');
  expect(late).toContain('torch-pruning.cjs');
  const loaded = join(mkdtempSync(join(tmpdir(), 'prunegate-loaded-')), 'loaded.cjs');
  writeFileSync(
    loaded,
    "process.on('exit', () => console.error(Object.keys(require.cache).map((path) => require('node:path').basename(path)).join(' ')));",
  );
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [
      '--require',
      loaded,
      join(dist, 'cli.cjs'),
      'check',
      ...['dense.onnx', 'pruned.onnx'].map((name) => join(example, name)),
    ].concat('--spec', join(example, 'prune.yaml')),
    { encoding: 'utf8' },
  );
  expect(stdout).toContain('conforms');
  expect(stderr.trim().split(' ').sort()).toEqual(['cli.cjs', 'core.cjs', 'loaded.cjs', 'rolldown-runtime.cjs']);
});

it('every late file can be loaded by itself, after the core', () => {
  const load = late.map((file) => `require(${JSON.stringify(join(dist, file))})`).join(';');
  const { stderr, status } = spawnSync(
    process.execPath,
    ['-e', `require(${JSON.stringify(join(dist, 'core.cjs'))});${load}`],
    { encoding: 'utf8' },
  );
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
});
