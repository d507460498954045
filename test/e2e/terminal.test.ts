import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runAction } from '../support/action.ts';

const root = join(import.meta.dirname, '../..');
const work = mkdtempSync(join(tmpdir(), 'prunegate-terminal-'));
const WRONG = ['check', 'dense.onnx', 'pruned-naive.onnx', '--spec', 'prune.yaml'];
const COLOUR = /\u001b\[/;

beforeAll(() => {
  cpSync(join(root, 'examples/mobilenet-v2'), work, { recursive: true });
  const model = (name: string, pruned: string): string =>
    `  - name: ${name}\n    dense: dense.onnx\n    pruned: ${pruned}\n    spec: prune.yaml\n`;
  writeFileSync(
    join(work, 'prunegate.yml'),
    `models:\n${model('right', 'pruned.onnx')}${model('wrong', 'pruned-naive.onnx')}`,
  );
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** Into a pipe, with nothing in the environment that asks for colours or forbids them. */
function piped(args: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  const { PATH = '' } = process.env;
  const cli = join(root, 'dist/cli.cjs');
  return spawnSync(process.execPath, [cli, ...args], { cwd: work, encoding: 'utf8', env: { PATH, ...env } }).stdout;
}

/** On a terminal of so many places, as util-linux makes one. */
function onTerminal(args: readonly string[], width: number, env: Readonly<Record<string, string>> = {}): string {
  const { PATH = '' } = process.env;
  const command = [`stty cols ${width};`, process.execPath, join(root, 'dist/cli.cjs'), ...args].join(' ');
  return spawnSync('script', ['-qec', command, '/dev/null'], {
    cwd: work,
    encoding: 'utf8',
    env: { PATH, TERM: 'xterm', ...env },
  }).stdout.replaceAll('\r\n', '\n');
}

const hasTerminal = spawnSync('script', ['-qec', 'stty size', '/dev/null'], { encoding: 'utf8' }).status === 0;

describe('in a pipe', () => {
  it('nothing is coloured and no line is broken, unless FORCE_COLOR asks for colours', () => {
    const plain = piped(WRONG);
    expect(plain).not.toMatch(COLOUR);
    expect(Math.max(...plain.split('\n').map((line) => line.length))).toBeGreaterThan(120);
    const coloured = piped(WRONG, { FORCE_COLOR: '1' });
    expect(coloured).toMatch(COLOUR);
    expect(stripVTControlCharacters(coloured)).toBe(plain);
    expect(piped(WRONG, { FORCE_COLOR: '0' })).toBe(plain);
  });

  it('only what people read is ever coloured', () => {
    for (const format of ['json', 'markdown', 'junit', 'sarif'])
      expect(piped([...WRONG, '--format', format], { FORCE_COLOR: '1' })).not.toMatch(COLOUR);
  });
});

describe.skipIf(!hasTerminal)('on a terminal', () => {
  it('verdicts are coloured, unless NO_COLOR forbids it', () => {
    expect(onTerminal(WRONG, 200)).toMatch(COLOUR);
    expect(onTerminal(WRONG, 200, { NO_COLOR: '1' })).not.toMatch(COLOUR);
  });

  it('lines keep to its width, but for a command, which is copied whole', () => {
    const env = { NO_COLOR: '1' };
    const lines = onTerminal(WRONG, 80, env).trimEnd().split('\n');
    const long = lines.filter((line) => line.length > 80);
    expect(long).toEqual([
      expect.stringContaining('prunegate explain --dense dense.onnx --spec prune.yaml --layer conv1'),
    ]);
    const words = (text: string): string => text.replace(/\s+/g, ' ').trim();
    expect(words(lines.join('\n'))).toBe(words(piped(WRONG)));
  });

  it('what programs read is never broken', () => {
    expect(() => JSON.parse(onTerminal([...WRONG, '--format', 'json'], 60))).not.toThrow();
    expect(onTerminal(['plan'], 60).trimEnd()).toBe('{"model":["right","wrong"]}');
  });
});

it('several models have a line each with name and verdict, and the last line says the whole', () => {
  const lines = piped(['check']).trimEnd().split('\n');
  expect(lines.slice(-4)).toEqual(
    [
      '   right  conforms  14 of 14 layers match  250 of 1,002 filters',
      ' x wrong  diverges  12 of 14 layers match  250 of 1,002 filters',
      '',
      'diverges: 1 of 2 models',
    ].map((line) => expect.stringMatching(new RegExp(`^${line.replaceAll(/ +/g, ' +')}$`))),
  );
});

it('in the action each of several models is folded up below its name and verdict, and the last line says the whole', async () => {
  const { log, status, stdout } = await runAction({
    inputs: {},
    prepare: (workspace) => cpSync(work, workspace, { recursive: true }),
  });
  expect(status).toBe(1);
  expect(log.groups.map(({ title }) => title)).toEqual(['right: conforms', 'wrong: diverges']);
  expect(log.groups[1]!.lines.join('\n')).toContain('conv1 and expanded_conv_depthwise kept the wrong 3 of 16 filters');
  expect(log.isLeftOpen).toBe(false);
  const outside = stdout.split('\n').filter((line) => !line.startsWith('::') && line !== '');
  expect(outside.at(-1)).toBe('diverges: 1 of 2 models');
  const [only] = (await runAction({ inputs: { model: 'right' }, prepare: (w) => cpSync(work, w, { recursive: true }) }))
    .log.groups;
  expect(only).toBeUndefined();
});
