import { spawn } from 'node:child_process';

export type ProgramResult =
  | { readonly kind: 'done'; readonly stdout: string }
  /** `problem` reads after the program's name. */
  | { readonly kind: 'failed'; readonly problem: string };

/** More than any program prints that prunegate asks. */
const MAX_CHARACTERS = 1024 * 1024;

/** What a small program prints. */
export function askProgram(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  timeoutMs: number,
): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true });
    let stdout = '';
    let stderr = '';
    const failed = (problem: string): void => resolve({ kind: 'failed', problem });
    // Not spawn's timeout: its timer stays where the program cannot be started, and a driver may hold a program that no signal ends.
    const timer = setTimeout(() => {
      failed(`did not answer within ${timeoutMs / 1000} s`);
      child.kill('SIGKILL');
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
    }, timeoutMs);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout = `${stdout}${text}`.slice(0, MAX_CHARACTERS);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = `${stderr}${text}`.slice(0, MAX_CHARACTERS);
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      failed(error.code === 'ENOENT' ? 'is not on the PATH' : `could not be started (${error.code ?? error.message})`);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const [said = ''] = `${stderr}\n${stdout}`.split('\n').filter((line) => line.trim() !== '');
      if (code === 0) resolve({ kind: 'done', stdout });
      else if (code === null) failed(`was ended by ${signal}`);
      else failed(`failed with exit status ${code}${said === '' ? '' : `: ${said.trim().slice(0, 200)}`}`);
    });
  });
}
