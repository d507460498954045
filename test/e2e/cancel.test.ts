import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** An onnxruntime-node that computes for ever, on the main thread, as the real one does with a large model. */
function spinning(folder: string): string {
  const library = join(folder, 'bin/napi-v6', process.platform, process.arch);
  mkdirSync(library, { recursive: true });
  writeFileSync(join(library, 'onnxruntime_binding.node'), '');
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'onnxruntime-node', version: '1.30.0' }));
  writeFileSync(
    join(folder, 'index.js'),
    `exports.env = {};
     exports.Tensor = class {};
     const run = () => {
       const fs = require('node:fs');
       fs.writeFileSync(${JSON.stringify(join(folder, 'new'))}, process.pid + ' ' + process.env.RUNNER_TRACKING_ID);
       fs.renameSync(${JSON.stringify(join(folder, 'new'))}, ${JSON.stringify(join(folder, 'pid'))});
       for (;;);
     };
     exports.InferenceSession = { create: async () => ({ run, release: async () => {} }) };`,
  );
  return folder;
}

function runs(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** `dist/cli.cjs run` in the midst of a model. */
async function computing() {
  const work = mkdtempSync(join(tmpdir(), 'prunegate-cancel-'));
  const [temp, runtime] = [join(work, 'temp'), spinning(join(work, 'runtime'))];
  mkdirSync(temp);
  cpSync(join(root, 'examples/mobilenet-v2'), join(work, 'm'), { recursive: true });
  const pair = ['--dense', 'm/dense.onnx', '--pruned', 'm/pruned.onnx'];
  const child = spawn(process.execPath, [join(root, 'dist/cli.cjs'), 'run', ...pair, '--onnxruntime', runtime], {
    cwd: work,
    env: { PATH: process.env['PATH'] ?? '', RUNNER_TEMP: temp, RUNNER_TRACKING_ID: 'github_0123' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  await vi.waitFor(() => expect(existsSync(join(runtime, 'pid'))).toBe(true), { timeout: 40_000, interval: 20 });
  const [pid, tracking] = readFileSync(join(runtime, 'pid'), 'utf8').split(' ');
  return { child, temp, pid: Number(pid), tracking, ended, stderr: () => stderr };
}

describe.runIf(process.platform === 'linux')('a run that is stopped in the midst of a model', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'by %s ends the process that computes, and leaves no file',
    async (signal) => {
      const { child, temp, pid, tracking, ended, stderr } = await computing();
      // By which a runner finds what a job has left running.
      expect(tracking).toBe('github_0123');
      expect(readdirSync(temp)).toHaveLength(1);
      child.kill(signal);
      expect(await ended).toBe(signal === 'SIGINT' ? 130 : 143);
      expect(stderr()).toContain(`prunegate: the execution of the models was cancelled (${signal})\n`);
      await vi.waitFor(() => expect(runs(pid)).toBe(false), { timeout: 30_000 });
      expect(readdirSync(temp)).toEqual([]);
    },
  );

  it('by SIGKILL, of which it hears nothing, leaves no process that computes on', async () => {
    const { child, pid, ended } = await computing();
    child.kill('SIGKILL');
    await ended;
    await vi.waitFor(() => expect(runs(pid)).toBe(false), { timeout: 30_000 });
  });
});
