import { accessSync, constants, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { CommandRequest } from '../config/index.ts';
import { inputErrorAt } from '../errors/place.ts';
import { makeTemporaryFolder } from '../files/index.ts';

/** A command as a script file and the program that runs it. */
export interface Script {
  readonly program: string;
  readonly args: readonly string[];
  /** The shell as the user would write it, for the log. */
  readonly shell: string;
  remove(): void;
}

/** As `shell:` of a workflow takes them (actions/runner ScriptHandlerHelpers.cs); `{0}` is the script. */
const SHELLS: Readonly<Record<string, { readonly line: readonly string[]; readonly extension: string }>> = {
  bash: { line: ['bash', '--noprofile', '--norc', '-e', '-o', 'pipefail', '{0}'], extension: '.sh' },
  sh: { line: ['sh', '-e', '{0}'], extension: '.sh' },
  pwsh: { line: ['pwsh', '-command', ". '{0}'"], extension: '.ps1' },
  python: { line: ['python', '{0}'], extension: '.py' },
};

/**
 * Writes a command into a script in the runner's temporary folder.
 * @param env the command's own environment, in whose PATH bash is looked for.
 * @throws InputError for a shell that is not known.
 */
export function writeScript(command: CommandRequest, env: Readonly<Record<string, string>>): Script {
  const shell = command.shell ?? defaultShell(env);
  const { line, extension } = SHELLS[shell] ?? template(shell, command);
  const folder = makeTemporaryFolder(env);
  const path = join(folder, `command${extension}`);
  writeFileSync(path, contents(command.run, shell));
  const [program = '', ...args] = line.map((word) => word.replaceAll('{0}', path));
  return { program, args, shell, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

function template(
  shell: string,
  { at }: CommandRequest,
): { readonly line: readonly string[]; readonly extension: string } {
  const line = shell.trim().split(/\s+/);
  if (line.length > 1 && line.some((word) => word.includes('{0}'))) return { line, extension: '' };
  throw inputErrorAt(
    at,
    `shell must be one of ${Object.keys(SHELLS).join(', ')}, or a command line in which {0} is the script`,
    shell,
  );
}

function contents(run: string, shell: string): string {
  if (shell !== 'pwsh') return run.endsWith('\n') ? run : `${run}\n`;
  // Without these PowerShell goes on after an error and exits with 0.
  const exit = 'if (Test-Path -LiteralPath variable:LASTEXITCODE) { exit $LASTEXITCODE }';
  return `$ErrorActionPreference = 'stop'\n${run}\n${exit}\n`;
}

/** On Windows, the bash on the PATH may be that of a Linux subsystem, which sees other files. */
function defaultShell(env: Readonly<Record<string, string>>): string {
  if (process.platform === 'win32') return 'pwsh';
  return isOnPath('bash', env['PATH'] ?? '') ? 'bash' : 'sh';
}

function isOnPath(program: string, path: string): boolean {
  return path.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
