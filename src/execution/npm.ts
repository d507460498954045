import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** npm's program as a script, so that it can be run by this node, without a shell and on Windows too. */
const SCRIPT = join('node_modules', 'npm', 'bin', 'npm-cli.js');

/**
 * The npm that came with the node that runs this, which in an action is the runner's own, else the one on PATH.
 * @returns null where there is none
 */
export function findNpm(node: string = process.execPath, path: string = process.env['PATH'] ?? ''): string | null {
  const beside = [dirname(node), join(dirname(node), '..', 'lib')];
  const onPath = path.split(delimiter).filter((folder) => folder !== '');
  for (const folder of beside) if (existsSync(join(folder, SCRIPT))) return join(folder, SCRIPT);
  for (const folder of onPath) {
    // A link to the script; on Windows a command file beside the folder that holds it.
    const link = join(folder, 'npm');
    if (existsSync(link) && realpathSync(link).endsWith('npm-cli.js')) return realpathSync(link);
    if (existsSync(join(folder, SCRIPT))) return join(folder, SCRIPT);
    if (existsSync(join(folder, '..', 'lib', SCRIPT))) return join(folder, '..', 'lib', SCRIPT);
  }
  return null;
}

/** Longest time that a download may take. */
const TIME_LIMIT_MS = 15 * 60_000;
const KEPT_OUTPUT = 8192;

/** Runs a script with this node. @returns what it printed last where it failed; null where it went well */
export function runScript(
  script: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<string | null> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [script, ...args], {
      ...options,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: TIME_LIMIT_MS,
      killSignal: 'SIGKILL',
    });
    let printed = '';
    const keep = (chunk: Buffer): void => {
      printed = (printed + chunk.toString('utf8')).slice(-KEPT_OUTPUT);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) =>
      resolve(code === 0 ? null : `${summaryOf(printed)} (${signal ?? `status ${code}`})`),
    );
  });
}

/** The first lines that npm marks as errors say what is wrong; the last say where its log is. */
function summaryOf(printed: string): string {
  const lines = printed.split('\n').map((line) => line.trim());
  const errors = lines
    .filter((line) => /^npm (error|ERR!)/.test(line))
    .map((line) => line.replace(/^npm (error|ERR!) ?/, ''));
  const reported =
    errors.length > 0
      ? errors.slice(0, 3).join(' ')
      : (lines.filter((line) => line !== '').at(-1) ?? 'it said nothing');
  return reported.slice(0, 400);
}
