import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { oneLine } from '../errors/input-error.ts';
import { installedRuntime } from '../execution/index.ts';
import { askProgram, listGpus } from '../process/index.ts';
import { diagnose, type Finding, type Machine } from '../setup/index.ts';

const TIMEOUT_MS = 20_000;

/**
 * What this machine and this repository lack, and the line that mends it.
 * @returns the text, and whether nothing is missing
 */
export async function doctor(folder: string): Promise<{ readonly text: string; readonly isWell: boolean }> {
  const findings = diagnose(await machineAt(folder));
  const isWell = findings.every(({ state }) => state !== 'missing');
  const end = isWell ? 'nothing is missing' : 'what is missing stands behind ->';
  return { text: `${findings.map(line).join('')}\n${end}\n`, isWell };
}

const MARKS = { ok: ' ', missing: 'x', note: '-' } as const;

function line({ what, state, said, remedy }: Finding): string {
  const mend = remedy === null ? '' : `\n     -> ${oneLine(remedy)}`;
  return ` ${MARKS[state]} ${oneLine(`${what}: ${said}`)}${mend}\n`;
}

async function machineAt(folder: string): Promise<Machine> {
  const [gpus, docker, git, linker] = await Promise.all([
    listGpus(process.env),
    versionOf('docker'),
    versionOf('git'),
    askProgram('ldconfig', ['-p'], process.env, TIMEOUT_MS),
  ]);
  return {
    node: process.version,
    platform: process.platform,
    runtime: installedRuntime(folder),
    gpus:
      gpus.kind === 'none'
        ? { reason: gpus.reason }
        : { names: gpus.gpus.map(({ name, driver }) => `${name} (driver ${driver})`) },
    libraries:
      linker.kind === 'done' ? [...linker.stdout.matchAll(/^[ \t]+(\S+) \(/gm)].map(([, name]) => name!) : null,
    docker,
    git,
    workflows: workflowsOf(folder),
  };
}

async function versionOf(program: string): Promise<string | null> {
  const answer = await askProgram(program, ['--version'], process.env, TIMEOUT_MS);
  return answer.kind === 'done' ? (answer.stdout.split('\n')[0] ?? '') : null;
}

/** Larger ones are none. */
const MAX_WORKFLOW_BYTES = 1024 * 1024;

function workflowsOf(folder: string): ReadonlyMap<string, string> {
  const place = join(folder, '.github/workflows');
  const files = existsSync(place) ? readdirSync(place, { withFileTypes: true }) : [];
  const texts = files
    .filter((entry) => entry.isFile() && /\.ya?ml$/.test(entry.name))
    .map(({ name }) => [`.github/workflows/${name}`, readFileSync(join(place, name), 'utf8')] as const);
  return new Map(texts.filter(([, text]) => text.length < MAX_WORKFLOW_BYTES && /prunegate@/.test(text)));
}
