import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../errors/input-error.ts';

/**
 * A new folder for what goes with this run; who makes it removes it. It lies in the runner's own temporary folder, which the runner empties after the
 * job, should we be killed.
 * @throws InputError that names the variable where none can be made there
 */
export function makeTemporaryFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const runners = env['RUNNER_TEMP'];
  const [variable, parent] = runners
    ? ['RUNNER_TEMP', runners]
    : [process.platform === 'win32' ? 'TEMP' : 'TMPDIR', tmpdir()];
  try {
    return mkdtempSync(join(parent, 'prunegate-'));
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    throw new InputError(`no temporary folder can be made there (${code})`, { key: variable, value: parent });
  }
}
