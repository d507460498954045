import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const CHECK = 'check dense.onnx pruned.onnx --spec prune.yaml';

/** What a shell prints, in which `prunegate` is the program. */
function inShell(script: string, options = ''): { status: number | null; stdout: string; stderr: string } {
  const program = `prunegate() { "${process.execPath}" ${options} "${join(root, 'dist/cli.cjs')}" "$@"; }`;
  return spawnSync('bash', ['-o', 'pipefail', '-c', `${program}; ${script}`], {
    cwd: join(root, 'examples/mobilenet-v2'),
    encoding: 'utf8',
    maxBuffer: 1e8,
    timeout: 50_000,
  });
}

// Windows has neither.
describe.skipIf(process.platform === 'win32')('what is written', () => {
  /** More than a pipe holds. */
  const page = `prunegate ${CHECK} --format html`;
  const { stdout: whole } = inShell(page);
  const isWhole = ({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }): boolean =>
    stdout === whole && stderr === '';

  it('is all of it, into a pipe, a file and a pipe that is read late', () => {
    expect(whole.length).toBeGreaterThan(100_000);
    expect(isWhole(inShell(`${page} | (sleep 0.5; cat)`))).toBe(true);
    const file = join(mkdtempSync(join(tmpdir(), 'prunegate-output-')), 'page.html');
    expect(isWhole(inShell(`${page} > ${file}; cat ${file}`))).toBe(true);
  });

  it('is all of it where the pipe is full and nobody may wait: another program, which had it before, made it so', () => {
    const ready = join(mkdtempSync(join(tmpdir(), 'prunegate-output-')), 'ready');
    const has = `process.stdout.write(''); require('node:fs').writeFileSync('${ready}', ''); setTimeout(() => {}, 3000)`;
    const wait = `until [ -e ${ready} ]; do sleep 0.05; done`;
    expect(isWhole(inShell(`("${process.execPath}" -e "${has}" & ${wait}; ${page}) | (${wait}; sleep 2; cat)`))).toBe(
      true,
    );
  });

  it('may be left unread', () => {
    expect(inShell(`${page} | head -c 10`)).toEqual(expect.objectContaining({ status: 0, stderr: '' }));
    expect(inShell(`prunegate check nothing.onnx 2>&1 | true`).stderr).toBe('');
    expect(inShell(`prunegate check --help | true`).stderr).toBe('');
  });

  it('needs neither streams nor the network, which take as long to load as a check of three layers', () => {
    const loaded = join(mkdtempSync(join(tmpdir(), 'prunegate-modules-')), 'loaded.cjs');
    writeFileSync(
      loaded,
      "process.on('exit', () => require('node:fs').writeSync(2, process.moduleLoadList.filter((name) => /^NativeModule (?:net|tty|stream|v8|crypto|perf_hooks)$/.test(name)).join()));",
    );
    const { stdout, stderr } = inShell(`prunegate ${CHECK} | cat`, `--require ${loaded}`);
    expect(stdout).toContain('conforms');
    expect(stderr).toBe('');
  });
});
