import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const dist = join(import.meta.dirname, '../../dist');
const files = readdirSync(dist).filter((name) => name.endsWith('.cjs'));

/** What a bundle loads before its first line, directly and by what it loads: `import(...)` is written as `then(()=>require(...))`. */
function loadedAtOnce(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const code = readFileSync(join(dist, file), 'utf8');
  for (const [, name] of code.matchAll(/(?<!=>)\brequire\(["'`]\.\/([^"'`]+)["'`]\)/g)) loadedAtOnce(name!, seen);
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
