import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { readStepLog, type StepLog } from './runner.ts';

const root = join(import.meta.dirname, '../..');

export interface ActionOptions {
  readonly inputs: Readonly<Record<string, string>>;
  /** The webhook payload at GITHUB_EVENT_PATH; none where it is not given. */
  readonly event?: unknown;
  /** Wins over what the runner would set. */
  readonly env?: Readonly<Record<string, string>>;
  /** Fills the workspace, which holds the example as m/. */
  readonly prepare?: (workspace: string) => void;
}

export interface ActionRun {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly log: StepLog;
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly workspace: string;
}

export interface StartedAction {
  readonly child: ChildProcess;
  readonly workspace: string;
  /** What it has printed so far. */
  stdout(): string;
  readonly ended: Promise<ActionRun>;
}

/** Each holds a build and the example, some megabytes. */
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Starts dist/index.cjs as the runner does: inputs in INPUT_*, its files under _temp/_runner_file_commands, no node_modules. */
export function startAction({ inputs, event, env = {}, prepare = () => {} }: ActionOptions): StartedAction {
  const folder = mkdtempSync(join(tmpdir(), 'prunegate-action-'));
  folders.push(folder);
  const workspace = join(folder, 'work');
  const temp = join(folder, '_temp');
  const commands = join(temp, '_runner_file_commands');
  for (const each of [workspace, commands]) mkdirSync(each, { recursive: true });
  for (const file of readdirSync(join(root, 'dist')).filter((name) => name.endsWith('.cjs')))
    cpSync(join(root, 'dist', file), join(folder, file));
  cpSync(join(root, 'examples/mobilenet-v2'), join(workspace, 'm'), { recursive: true });
  const files = Object.fromEntries(
    ['env', 'path', 'output', 'state', 'step_summary'].map((name) => [name, join(commands, name)]),
  );
  for (const file of Object.values(files)) writeFileSync(file, '');
  if (event !== undefined) writeFileSync(join(temp, 'event.json'), JSON.stringify(event));
  prepare(workspace);
  const child = spawn(process.execPath, [join(folder, 'index.cjs')], {
    cwd: workspace,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '',
      CI: 'true',
      GITHUB_ACTIONS: 'true',
      GITHUB_WORKSPACE: workspace,
      RUNNER_TEMP: temp,
      INPUT_EXECUTE: 'false',
      ...(event === undefined ? {} : { GITHUB_EVENT_PATH: join(temp, 'event.json') }),
      ...Object.fromEntries(Object.entries(files).map(([name, path]) => [`GITHUB_${name.toUpperCase()}`, path])),
      ...Object.fromEntries(
        Object.entries(inputs).map(([name, value]) => [`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`, value]),
      ),
      ...env,
    },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<ActionRun>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      resolve({
        status,
        stdout,
        stderr,
        log: readStepLog(stdout, stderr),
        outputs: outputsIn(readFileSync(files['output']!, 'utf8')),
        summary: readFileSync(files['step_summary']!, 'utf8'),
        workspace,
      });
    });
  });
  return { child, workspace, stdout: () => stdout, ended };
}

export function runAction(options: ActionOptions): Promise<ActionRun> {
  return startAction(options).ended;
}

/** The file command's format: `name<<delimiter`, the value's lines, the delimiter. */
function outputsIn(text: string): Record<string, string> {
  const outputs: Record<string, string> = {};
  for (const [, name, , value] of text.matchAll(/^([\w-]+)<<(\S+)\n([\s\S]*?)\n\2$/gm)) outputs[name!] = value!;
  return outputs;
}
