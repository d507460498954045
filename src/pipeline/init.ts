import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../config/index.ts';
import { InputError, oneLine } from '../errors/input-error.ts';
import { writeWhole } from '../files/index.ts';
import { shellWord } from '../prose/index.ts';
import {
  type Answers,
  configText,
  look,
  type ProposedModel,
  propose,
  type Question,
  type Seen,
  type Setup,
  workflowText,
} from '../setup/index.ts';

/** Asks the user and gives the answer; null where there is nobody to ask. */
export type Ask = ((question: string, choices: readonly string[]) => Promise<string>) | null;

const CONFIG = 'prunegate.yml';
const WHICH_DIALECT = 'https://github.com/prunegate/prunegate/blob/main/docs/which-dialect.md';
const WORKFLOW = '.github/workflows/prunegate.yml';

/**
 * Writes prunegate.yml and a workflow for what lies in a folder. Files that are there stay as they are.
 * @returns what was done, and the next command
 * @throws InputError where something cannot be seen and nobody can be asked, with the flag that says it
 */
export async function init(settings: Settings, folder: string, version: string, ask: Ask): Promise<string> {
  const seen = look(folder);
  const models = await modelsFor(seen, settings, ask);
  const { exportCommand = null, pruneCommand = null, runner } = settings;
  const made = { exportCommand, pruneCommand };
  const known = pruneCommand === null ? await howMade(models, seen, made, ask) : made;
  const isContained = seen.specs.some(
    (seenSpec) => seenSpec.isContained && models.some(({ spec }) => spec === seenSpec.path),
  );
  const setup: Setup = {
    models,
    ...known,
    runner: runner ?? (isContained && known.pruneCommand !== null ? 'self-hosted' : 'hosted'),
    requirements: known.pruneCommand !== null && !isContained ? seen.requirements : null,
    hasLfs: seen.hasLfs,
    version,
  };
  const config = ['prunegate.yaml', CONFIG].find((name) => existsSync(join(folder, name)));
  const lines = [
    config === undefined ? written(folder, CONFIG, configText(setup)) : `${config} is there already and stays as it is`,
    existsSync(join(folder, WORKFLOW))
      ? `${WORKFLOW} is there already and stays as it is`
      : written(folder, WORKFLOW, workflowText(setup)),
    ...models.map(({ name, dense, pruned, spec }) => oneLine(`${name}: ${dense} pruned to ${pruned} by ${spec}`)),
    '',
    'Check it now: prunegate check',
    'What this machine lacks for more: prunegate doctor',
  ];
  return `${lines.join('\n')}\n`;
}

function written(folder: string, path: string, text: string): string {
  writeWhole(join(folder, path), text);
  return `wrote ${path}`;
}

async function modelsFor(seen: Seen, settings: Settings, ask: Ask): Promise<readonly ProposedModel[]> {
  let answers: Answers = settings;
  for (;;) {
    const proposed = propose(seen, answers);
    if (!('key' in proposed)) return proposed;
    if (ask === null || proposed.choices.length === 0) throw open(proposed, seen);
    answers = { ...answers, [proposed.key]: await ask(proposed.text, proposed.choices) };
  }
}

function open({ key, choices }: Question, { mistakenSpec }: Seen): InputError {
  if (key === 'spec' && choices.length === 0 && mistakenSpec !== null) return mistakenSpec;
  const what = key === 'spec' ? 'a pruning spec' : `an ONNX file that could be the ${key} model`;
  const found =
    choices.length === 0
      ? `there is no ${what.replace(/^an? /, '')} here`
      : `several files could be meant: ${choices.slice(0, 8).join(', ')}${choices.length > 8 ? ', ...' : ''}`;
  const written =
    key === 'spec' && choices.length === 0 ? `write one, as ${WHICH_DIALECT} shows for each pruner, or ` : '';
  return new InputError(`${found}; ${written}say it with --dense, --pruned and --spec`, { key: `--${key}` });
}

/** Models that git leaves out have to be made where they are checked. */
async function howMade(
  models: readonly ProposedModel[],
  seen: Seen,
  made: Pick<Setup, 'exportCommand' | 'pruneCommand'>,
  ask: Ask,
): Promise<Pick<Setup, 'exportCommand' | 'pruneCommand'>> {
  const ignored = seen.models.find(
    ({ path, isIgnored }) => isIgnored && models.some(({ dense, pruned }) => path === dense || path === pruned),
  );
  if (ignored === undefined) return made;
  if (ask === null) {
    const problem = `is required: git leaves ${shellWord(ignored.path)} out, so that a workflow has to make it; say how with --export-command and --prune-command`;
    throw new InputError(problem, { key: '--prune-command' });
  }
  const exportCommand = made.exportCommand ?? (await ask('Which command exports the dense model in CI?', []));
  return {
    exportCommand: exportCommand === '' ? null : exportCommand,
    pruneCommand: await ask('Which command prunes it?', []),
  };
}
