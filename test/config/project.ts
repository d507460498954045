import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach } from 'vitest';
import { loadRequests, type ModelRequest, settingsFromFlags } from '../../src/config/index.ts';
import { InputError } from '../../src/errors/input-error.ts';

const folders: string[] = [];
const home = process.cwd();

afterEach(() => {
  process.chdir(home);
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A folder with these files, gone after the test; the process stands in it, as it does in a user's repository. */
export function project(files: Readonly<Record<string, string | Uint8Array>> = {}): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'prunegate-config-')));
  folders.push(folder);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  process.chdir(folder);
  return folder;
}

/** The message of the InputError that a call throws; any other error is passed on. */
export function mistake(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  throw new Error('no mistake was found');
}

/** A config of two models. */
export const TWO = 'models:\n  - name: a\n    dense: a.onnx\n  - name: b\n    dense: b.onnx\n';

export type Flags = Readonly<Record<string, unknown>>;
type Files = Readonly<Record<string, string>>;

/** The models of a project with this prunegate.yml (null: none) and these flags and files. */
export function requests(config: string | null, flags: Flags = {}, files: Files = {}): readonly ModelRequest[] {
  const folder = project({ ...files, ...(config === null ? {} : { 'prunegate.yml': config }) });
  return loadRequests(settingsFromFlags(flags), folder);
}
