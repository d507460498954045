import { spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { type ActionOptions, runAction, startAction } from '../support/action.ts';
import { payload } from '../support/events.ts';

const root = join(import.meta.dirname, '../..');
const SPEC = { spec: 'm/prune.yaml', execute: 'false', annotations: 'true', comment: 'never' };
const INPUTS = {
  ...SPEC,
  dense: 'out/dense.onnx',
  pruned: 'out/pruned.onnx',
  'export-command': 'mkdir -p out; cp m/dense.onnx out/dense.onnx',
  'prune-command': 'echo pruning; cp m/pruned.onnx out/pruned.onnx',
};
const TOKEN = 'ghs_0123456789abcdefghijklmnopqrstuvwxyz';
/** What a step of a pull request in the repository itself has. */
const OWN = {
  GITHUB_EVENT_NAME: 'pull_request',
  GITHUB_REPOSITORY: 'Codertocat/Hello-World',
  RUNNER_ENVIRONMENT: 'self-hosted',
};

const action = (options: Partial<ActionOptions>) =>
  runAction({ inputs: INPUTS, event: payload('pull_request'), ...options, env: { ...OWN, ...options.env } });

function fakeGpu(): string {
  const bin = mkdtempSync(join(tmpdir(), 'prunegate-smi-'));
  writeFileSync(join(bin, 'nvidia-smi'), '#!/bin/sh\necho "0, NVIDIA L4, 550.54.15, 23034, GPU-8f6a1c9e"\n');
  chmodSync(join(bin, 'nvidia-smi'), 0o755);
  return bin;
}

function runs(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe('dist/index.cjs with commands', () => {
  it('exports, prunes and checks what was made, each command in its group of the log', async () => {
    const { status, log, outputs } = await action({});
    expect(status).toBe(0);
    expect(outputs).toMatchObject({ verdict: 'conforms', conclusion: 'success' });
    expect(log.groups.map(({ title }) => title)).toEqual([
      'export: mkdir -p out; cp m/dense.onnx out/dense.onnx',
      'prune: echo pruning; cp m/pruned.onnx out/pruned.onnx',
    ]);
    expect(log.groups[1]?.lines).toContain('pruning');
    expect(log.shown).toEqual(expect.arrayContaining([expect.stringMatching(/^prune took \d+\.\d s$/)]));
    expect(log.isLeftOpen).toBe(false);
    const report = JSON.parse(readFileSync(outputs['report-json']!, 'utf8'));
    expect(report.commands.map(({ name }: { name: string }) => name)).toEqual(['export', 'prune']);
  });

  it("lets nothing that a command prints act on the runner, not even with the runner's own token", async () => {
    const hostile = [
      'echo "::error::injected"; echo "  ::add-mask::out"; echo "x ##[set-output name=verdict]conforms"',
      'printf "1%%\\r::set-env name=PATH::/evil\\n"; echo "::stop-commands::mine"; echo "::endgroup::" >&2',
      // The token is no secret on the machine.
      'echo "::$(cat token)::"; echo "::warning::with the token"',
      'echo "$GITHUB_OUTPUT$GITHUB_ENV$GITHUB_STEP_SUMMARY$GITHUB_PATH" | tee written',
    ];
    const started = startAction({
      inputs: {
        ...INPUTS,
        'export-command': `until [ -s token ]; do sleep 0.02; done; ${hostile.join('; ')}; ${INPUTS['export-command']}`,
      },
      event: payload('pull_request'),
      env: OWN,
    });
    await vi.waitFor(() => expect(started.stdout()).toContain('::stop-commands::'), { timeout: 30_000 });
    writeFileSync(join(started.workspace, 'token'), /::stop-commands::(.*)/.exec(started.stdout())![1]!);
    const { status, log, outputs, workspace } = await started.ended;
    expect(status).toBe(0);
    expect(log.obeyed.map(({ name }) => name).filter((name) => !/^[0-9a-f-]{36}$/.test(name))).toEqual([
      ...['group', 'stop-commands', 'endgroup', 'group', 'stop-commands', 'endgroup'],
    ]);
    expect(log.groups[0]?.lines.join('\n')).toMatch(/injected.*set-output name=verdict.*evil/s);
    expect(log.groups[0]?.lines).toContain(': :warning::with the token');
    expect(outputs['verdict']).toBe('conforms');
    expect(readFileSync(join(workspace, 'written'), 'utf8')).toBe('\n');
  });

  it("keeps the step's token and the runner's secrets from commands, but for what pass-env names", async () => {
    const env = { GITHUB_TOKEN: TOKEN, ACTIONS_RUNTIME_TOKEN: 'eyJ0', CUDA_VISIBLE_DEVICES: '2', NGC_API_KEY: 'mine' };
    const inputs = { ...INPUTS, 'github-token': TOKEN, 'export-command': `env > seen; ${INPUTS['export-command']}` };
    const seen = async (more: Record<string, string>): Promise<string> => {
      const { workspace, status } = await action({ inputs: { ...inputs, ...more }, env });
      expect(status).toBe(0);
      return readFileSync(join(workspace, 'seen'), 'utf8');
    };
    const without = await seen({});
    expect(without).toContain('CUDA_VISIBLE_DEVICES=2');
    expect(without).toContain('NGC_API_KEY=mine');
    expect(without).not.toMatch(/ghs_|eyJ0|^INPUT_|^GITHUB_(OUTPUT|ENV|PATH|STATE|STEP_SUMMARY)=/m);
    expect(await seen({ 'pass-env': 'GITHUB_TOKEN' })).toContain(`GITHUB_TOKEN=${TOKEN}`);
  });

  it('fails with one error that quotes the last lines of a command that failed, and checks nothing', async () => {
    const prune = 'for i in $(seq 20); do echo "::line:: $i"; done; exit 7';
    const { status, log, outputs, summary } = await action({ inputs: { ...INPUTS, 'prune-command': prune } });
    expect(status).toBe(1);
    expect(log.annotations).toHaveLength(1);
    const [{ message, title } = { message: '', title: '' }] = log.annotations;
    expect(title).toBe('prunegate: a command failed');
    expect(message.split('\n')).toEqual([
      expect.stringMatching(/^input prune-command: the command exited with status 7 after \d+\.\d s$/),
      ...Array.from({ length: 10 }, (_, i) => `: :line:: ${i + 11}`),
    ]);
    expect(outputs).toMatchObject({ verdict: '', conclusion: 'failure' });
    expect(summary).toContain('exited with status 7');
    expect(log.isLeftOpen).toBe(false);
  });

  it("fails where a command leaves yesterday's model in place, and leaves it there", async () => {
    const { status, log, workspace } = await action({
      inputs: { ...INPUTS, 'prune-command': 'echo "nothing to do"' },
      prepare: (work) => {
        mkdirSync(join(work, 'out'));
        cpSync(join(work, 'm/pruned.onnx'), join(work, 'out/pruned.onnx'));
        utimesSync(join(work, 'out/pruned.onnx'), new Date('2026-01-02T03:04:05Z'), new Date('2026-01-02T03:04:05Z'));
      },
    });
    expect(status).toBe(1);
    expect(log.annotations[0]?.message).toMatch(
      /^input pruned: out\/pruned\.onnx is stale: it is from 2026-01-02T03:04:05\.000Z, .*\nnothing to do$/,
    );
    expect(existsSync(join(workspace, 'out/pruned.onnx'))).toBe(true);
  });

  it('ends the whole command when the runner cancels the step, and fails', async () => {
    const prune = `set -m; trap 'echo interrupted; exit 1' INT; sleep 60 & echo $! > pid; echo pruning; wait`;
    const started = startAction({
      // The base's policy is not asked for: trying again where nobody answers takes longer than the command is waited for.
      inputs: { ...INPUTS, policy: 'none', comment: 'always', 'github-token': TOKEN, 'prune-command': prune },
      event: payload('pull_request'),
      // Nothing may be sent any more; nobody would answer.
      env: { ...OWN, GITHUB_API_URL: 'http://127.0.0.1:9' },
    });
    await vi.waitFor(() => expect(started.stdout()).toContain('\npruning\n'), { timeout: 30_000 });
    started.child.kill('SIGINT');
    const { status, log, outputs, workspace } = await started.ended;
    expect(status).toBe(1);
    expect(outputs).toMatchObject({ verdict: '', conclusion: 'failure' });
    expect(log.groups[1]?.lines).toEqual(
      expect.arrayContaining(['prunegate: cancelled (SIGINT): ending it', 'interrupted']),
    );
    expect(log.annotations).toEqual([]);
    expect(log.shown.at(-1)).toMatch(/^prune: the command was ended after .*: the run was cancelled \(SIGINT\)$/);
    expect(runs(Number(readFileSync(join(workspace, 'pid'), 'utf8')))).toBe(false);
  });

  it('runs no command for a fork on a self-hosted runner, says why, and does when told to', async () => {
    const event = payload('pull_request', { 'pull_request.head.repo.full_name': 'mallory/Hello-World' });
    const refused = await action({ event });
    expect(refused.status).toBe(1);
    expect(refused.log.annotations[0]?.message).toMatch(
      /^input export-command: commands are not run: this pull request is from the fork mallory\/Hello-World, and its code would run on a self-hosted runner/,
    );
    expect(existsSync(join(refused.workspace, 'out'))).toBe(false);
    expect(refused.outputs).toMatchObject({ verdict: '', conclusion: 'failure' });
    const target = { GITHUB_EVENT_NAME: 'pull_request_target', RUNNER_ENVIRONMENT: 'github-hosted' };
    const privileged = await action({ event: payload('pull_request'), env: target });
    expect(privileged.status).toBe(1);
    expect(privileged.log.annotations[0]?.message).toMatch(/commands are not run: pull_request_target runs with/);
    expect(existsSync(join(privileged.workspace, 'out'))).toBe(false);
    const allowed = await action({ event, inputs: { ...INPUTS, 'allow-untrusted-commands': 'true' } });
    expect(allowed.status).toBe(0);
    const withoutCommands = { ...SPEC, dense: 'm/dense.onnx', pruned: 'm/pruned.onnx' };
    expect((await action({ event, inputs: withoutCommands })).status).toBe(0);
  });

  it('tells the GPUs of the machine, and fails before any command where one is required and none is there', async () => {
    const inputs = { ...INPUTS, 'require-gpu': 'true' };
    const PATH = process.env['PATH'] ?? '';
    const bin = fakeGpu();
    const found = await action({ inputs, env: { PATH: `${bin}:${PATH}` } });
    expect(found.status).toBe(0);
    expect(found.log.shown).toContain('GPU 0: NVIDIA L4, 23034 MiB, driver 550.54.15, GPU-8f6a1c9e');
    expect(found.summary).toMatch(/export \d.*prune \d.*GPU 0: NVIDIA L4, 23034 MiB/);
    expect(JSON.parse(readFileSync(found.outputs['report-json']!, 'utf8')).gpus).toEqual([
      { index: 0, name: 'NVIDIA L4', driver: '550.54.15', memoryMiB: 23034, uuid: 'GPU-8f6a1c9e' },
    ]);
    const hidden = await action({ inputs, env: { PATH: `${bin}:${PATH}`, CUDA_VISIBLE_DEVICES: '' } });
    expect(hidden.status).toBe(1);
    expect(hidden.log.annotations[0]?.message).toBe(
      'require-gpu: there is no GPU: CUDA_VISIBLE_DEVICES is "", which hides all 1',
    );
    expect(existsSync(join(hidden.workspace, 'out'))).toBe(false);
  });
});

describe('dist/cli.cjs check with commands', () => {
  interface Run {
    readonly status: number | null;
    readonly stdout: string;
    readonly stderr: string;
  }

  function cli(
    prune: string,
    whenPruning: (stop: (signal: NodeJS.Signals) => void) => void = () => {},
    model = 'dense: m/dense.onnx\npruned: pruned.onnx\nspec: m/prune.yaml\n',
  ): Promise<Run> {
    const work = mkdtempSync(join(tmpdir(), 'prunegate-cli-commands-'));
    cpSync(join(root, 'dist'), work, { recursive: true });
    cpSync(join(root, 'examples/mobilenet-v2'), join(work, 'm'), { recursive: true });
    writeFileSync(join(work, 'prunegate.yml'), `${model}prune:\n  run: ${JSON.stringify(prune)}\n`);
    const child = spawn(process.execPath, ['cli.cjs', 'check', '--format', 'json'], {
      cwd: work,
      env: { PATH: process.env['PATH'] ?? '' },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (!stderr.includes('\npruning\n') && `${stderr}${text}`.includes('\npruning\n'))
        whenPruning((signal) => child.kill(signal));
      stderr += text;
    });
    return new Promise((resolve) => child.on('close', (status) => resolve({ status, stdout, stderr })));
  }

  it('carries the result alone on stdout, and the output of commands on stderr below plain headings', async () => {
    const { status, stdout, stderr } = await cli('echo pruning; echo "::error::x"; cp m/pruned.onnx pruned.onnx');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'conforms', commands: [{ name: 'prune' }] });
    expect(stderr).toContain(
      '-- prune: echo pruning; echo "::error::x"; cp m/pruned.onnx pruned.onnx\npruning\n: :error::x\n',
    );
    expect(stderr).toMatch(/\nprune took \d+\.\d s\n/);
    expect(stderr).not.toContain('::group::');
  });

  it('wants to know what a prune command writes before it runs it', async () => {
    const { status, stderr } = await cli('touch ran', () => {}, 'dense: m/dense.onnx\nspec: m/prune.yaml\n');
    expect([status, stderr]).toEqual([
      2,
      'prunegate: --pruned: is required beside a prune command: name the file that it writes\n',
    ]);
  });

  it('exits 2 where a command fails, and names its line', async () => {
    const { status, stdout, stderr } = await cli('echo pruning; exit 4');
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(
      /\nprunegate: prunegate\.yml:4: prune: the command exited with status 4 after \d+\.\d s\n {2}\| pruning\n$/,
    );
  });

  it('exits as a program does that a signal ended, once the command has ended', async () => {
    const interrupted = await cli('echo pruning; sleep 600', (stop) => stop('SIGINT'));
    expect(interrupted).toMatchObject({
      status: 130,
      stdout: '',
      stderr: expect.stringContaining('cancelled (SIGINT)'),
    });
    expect((await cli('echo pruning; sleep 600', (stop) => stop('SIGTERM'))).status).toBe(143);
  });
});
