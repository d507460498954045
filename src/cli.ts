#!/usr/bin/env node
import { constants } from 'node:os';
import { styleText } from 'node:util';
import { Command, CommanderError, Option } from 'commander';
import {
  type CommandName,
  flagsOf,
  loadOnlyRequest,
  loadPlanned,
  loadRequests,
  type ModelRequest,
  type Settings,
  settingsFromFlags,
} from './config/index.ts';
import { InputError, oneLine } from './errors/input-error.ts';
import { readEvent } from './github/events.ts';
import { type Answer, answerOf, readerOf } from './pipeline/answer.ts';
import { check } from './pipeline/check.ts';
import type { Checked } from './pipeline/checked.ts';
import { type Confines, confinesOf, runtimeSources, within, withoutQuotes } from './pipeline/confine.ts';
import { type CheckedModels, eachModel } from './pipeline/each-model.ts';
import { expect } from './pipeline/expect.ts';
import { explain } from './pipeline/explain.ts';
import type { Host } from './pipeline/host.ts';
import type { Ask } from './pipeline/init.ts';
import { plan } from './pipeline/plan.ts';
import { recover } from './pipeline/recover.ts';
import { run } from './pipeline/run.ts';
import { CancelledError } from './process/cancel.ts';
import { plainLog } from './process/log.ts';
import {
  ANYBODY,
  makeReportSet,
  REPORT_FORMATS,
  type Style,
  type Tone,
  writePages,
  writeReports,
} from './report/index.ts';
import { VERSION } from './version.ts';

/** Exit status of product contract: 2 bad usage, config or input, 4 a bug of ours. */
const BAD_INPUT = 2;
const OUR_BUG = 4;

interface CommandEntry {
  readonly description: string;
  /** What it takes beside flags, as commander writes it, and what that is. */
  readonly argument?: readonly [string, string];
  /** Models that it takes without their flags, in this order. */
  readonly models?: readonly ('dense' | 'pruned')[];
  /** Command lines that help shows, without the program's name; test/e2e/help.test.ts runs them. */
  readonly examples?: readonly string[];
  run(settings: Settings, given: readonly string[]): Promise<Answer>;
}

const COMMANDS: Readonly<Record<CommandName, CommandEntry>> = {
  check: {
    description: 'compare expected and actual retained indices, and gate on it',
    examples: [
      'check dense.onnx pruned.onnx --spec prune.yaml',
      'check dense.onnx --spec prune.yaml',
      'check dense.onnx pruned.onnx --spec prune.yaml --format json',
    ],
    models: ['dense', 'pruned'],
    run: (settings) => eachWith(check, settings, true),
  },
  expect: {
    description: 'print the indices that should be retained, from the dense model alone',
    examples: ['expect dense.onnx --spec prune.yaml --all'],
    models: ['dense'],
    run: (settings) => eachWith(expect, settings, false),
  },
  recover: {
    description: 'print the indices that are retained, from both models alone',
    examples: ['recover dense.onnx pruned.onnx'],
    models: ['dense', 'pruned'],
    run: (settings) => eachWith(recover, settings, false),
  },
  run: {
    description: 'execute both models: does the pruned one compute what the dense one does with the same channels cut?',
    examples: ['run dense.onnx pruned.onnx'],
    models: ['dense', 'pruned'],
    run: (settings) => eachWith(run, settings, true),
  },
  explain: {
    description: 'show the numbers behind a layer: own norm, rank, partners, merged value and the cut',
    examples: ['explain dense.onnx --spec prune.yaml', 'explain dense.onnx --spec prune.yaml --layer conv1 --filter 3'],
    models: ['dense'],
    async run(settings) {
      const { layer = null, filter = null, all = false } = settings;
      return withOnly(settings, 'explain', (request) => explain(request, { layer, filter, all }));
    },
  },
  prune: {
    description: 'cut the dense model as the spec says, with the built-in pruner',
    examples: ['prune dense.onnx --spec prune.yaml --out out/pruned.onnx'],
    models: ['dense'],
    async run(settings) {
      const { prune } = await import('./pipeline/prune.ts');
      const { path, retained, notes } = await withOnly(settings, 'prune', (request) =>
        prune(request, settings.out!, VERSION),
      );
      for (const note of notes) log(oneLine(note));
      return { text: `pruned: ${oneLine(path)}\nretained indices: ${oneLine(retained)}\n`, exitCode: 0 };
    },
  },
  plan: {
    description: "print the models of prunegate.yml as a matrix for GitHub's fromJSON",
    examples: ['plan --config prunegate.yml'],
    async run(settings) {
      return { text: `${JSON.stringify(plan(loaded(() => loadPlanned(settings, process.cwd()))))}\n`, exitCode: 0 };
    },
  },
  lock: {
    description: 'write prunegate.lock.json, the retained indices that reviewers agree to, or check it',
    async run(settings) {
      const { lock } = await import('./pipeline/lock.ts');
      const { check: isChecking = false, accept = false } = settings;
      const host = { version: VERSION, log, commandLog: plainLog(process.stderr), isHashed: false };
      const requests = loaded(() => loadRequests(settings, process.cwd()));
      return lock(requests, { check: isChecking, accept }, host, confines());
    },
  },
  merge: {
    description: 'one verdict from the reports of many models or matrix legs',
    examples: ['merge reports/model/report.json --models model'],
    argument: ['<reports...>', 'report.json files, or patterns like reports/**/report.json'],
    async run(settings, patterns) {
      const { merge, mergeRequest } = await import('./pipeline/merge.ts');
      const { format = 'text' } = settings;
      const at = { file: null, line: null, key: 'merge' };
      const { set, exitCode } = merge(await mergeRequest(settings, patterns, at, process.cwd(), null), VERSION);
      return { text: REPORT_FORMATS[format].render(set, ANYBODY), exitCode };
    },
  },
  init: {
    description: 'write prunegate.yml and a workflow for the models and specs that lie here',
    examples: ['init --dense dense.onnx --pruned pruned.onnx --spec prune.yaml'],
    async run(settings) {
      const { init } = await import('./pipeline/init.ts');
      return { text: await init(settings, process.cwd(), VERSION, terminal()), exitCode: 0 };
    },
  },
  doctor: {
    description: 'what this machine and its workflows lack, and the line that mends it',
    examples: ['doctor'],
    async run() {
      const { doctor } = await import('./pipeline/doctor.ts');
      const { text, isWell } = await doctor(process.cwd());
      return { text, exitCode: isWell ? 0 : 1 };
    },
  },
};

function program(): Command {
  const root = new Command('prunegate')
    .description(
      'Verifies which filters a pruner really retained, from the weights of the dense and the pruned ONNX model.',
    )
    .version(VERSION)
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .showSuggestionAfterError(true);
  for (const [name, entry] of Object.entries(COMMANDS)) addCommand(root, name as CommandName, entry);
  root.addHelpText(
    'after',
    '\nExit status: 0 conforms, 1 diverges, 2 bad usage, config or input, 3 unverifiable, 4 a bug of prunegate.',
  );
  return root;
}

function addCommand(
  root: Command,
  name: CommandName,
  { description, argument, models = [], examples = [], run: runIt }: CommandEntry,
): void {
  const command = root.command(name).description(description).allowExcessArguments(false);
  if (argument !== undefined) command.argument(...argument);
  for (const model of models) command.argument(`[${model}]`, `the same as --${model}`);
  for (const { flags, help, isRequired } of flagsOf(name))
    command.addOption(new Option(flags, help).makeOptionMandatory(isRequired));
  if (examples.length > 0)
    command.addHelpText('after', `\nExamples:\n${examples.map((one) => `  prunegate ${one}\n`).join('')}`);
  command.action(async () => {
    const options = { ...givenOptions(command), ...modelsGiven(command, models) };
    const { text, exitCode } = await runIt(settingsFromFlags(options), command.args);
    process.stdout.write(text);
    process.exitCode = exitCode;
  });
}

/** Asks on the terminal; null where there is none. */
function terminal(): Ask {
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) return null;
  return async (question, choices) => {
    const { createInterface } = await import('node:readline/promises');
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    try {
      for (const [i, choice] of choices.entries()) log(`  ${i + 1}  ${oneLine(choice)}`);
      for (;;) {
        const answer = (await lines.question(`${question} `)).trim();
        const chosen = choices[Number(answer) - 1];
        if (chosen !== undefined) return chosen;
        if (choices.length === 0 || choices.includes(answer)) return answer;
      }
    } finally {
      lines.close();
    }
  };
}

/** Without what commander makes up: `--no-x` alone has x default to true. */
function givenOptions(command: Command): Readonly<Record<string, unknown>> {
  const options: Record<string, unknown> = command.opts();
  return Object.fromEntries(Object.entries(options).filter(([key]) => command.getOptionValueSource(key) !== 'default'));
}

/** @throws InputError where one is given by its flag too */
function modelsGiven(command: Command, models: readonly string[]): Readonly<Record<string, string>> {
  const given = models.slice(0, command.args.length).map((model, i) => [model, command.args[i]!] as const);
  for (const [model, path] of given)
    if (command.getOptionValueSource(model) !== undefined)
      throw new InputError('is given twice, with its flag and without', { key: `--${model}`, value: path });
  return Object.fromEntries(given);
}

/** On a runner, what is checked may be somebody's who is not trusted, as in the action. */
function confines(): Confines | null {
  return confinesOf(readEvent(process.env), process.env);
}

function loaded<T>(load: () => T): T {
  try {
    return load();
  } catch (error) {
    throw withoutQuotes(error, confines());
  }
}

/** For a command that takes one model and no more. */
function withOnly<T>(settings: Settings, command: string, work: (request: ModelRequest) => T | Promise<T>): Promise<T> {
  const request = loaded(() => loadOnlyRequest(settings, process.cwd(), command));
  return within(confines(), request, work);
}

/** Asks the same of every model. */
async function eachWith(
  command: (request: ModelRequest, host: Host) => Promise<Checked>,
  settings: Settings,
  isWritten: boolean,
): Promise<Answer> {
  const { format, installOnnxruntime: mayInstall = false } = settings;
  const bounds = confines();
  const requests = loaded(() => loadRequests(settings, process.cwd()));
  if (settings.formats !== undefined && requests.some(({ reportDir }) => reportDir === null))
    throw new InputError('needs --report-dir, under which the files are written', { key: '--formats' });
  const models = await eachModel(requests, log, bounds, async (request) => {
    const result = await command(request, {
      version: VERSION,
      log,
      commandLog: plainLog(process.stderr),
      runtime: runtimeSources(request, bounds, mayInstall),
      isHashed: format === 'json' || format === 'html' || request.reportDir !== null,
      isPictured: format === 'html' || (isWritten && request.reportDir !== null),
    });
    if (isWritten && request.reportDir !== null)
      for (const path of Object.values(writeReports(result.report, request.reportDir, request.formats)))
        log(`report: ${oneLine(path)}`);
    return result;
  });
  for (const { model, message } of models.errors) log(`prunegate: ${oneLine(model)}: ${message}`);
  // One folder is given for all of them.
  if (isWritten && requests[0]?.reportDir != null) writeAllPages(models, requests[0].reportDir);
  return answerOf(models, settings, VERSION, coloured);
}

function writeAllPages({ results, errors }: CheckedModels<Checked>, folder: string): void {
  const reports = results.map(({ report }) => report);
  const page = writePages(makeReportSet(VERSION, reports, errors), folder, readerOf(results, true));
  if (page !== null) log(`page: ${oneLine(page)}`);
}

const COLOURS: Readonly<Record<Tone, Parameters<typeof styleText>[0]>> = {
  good: 'green',
  bad: 'red',
  open: 'yellow',
  title: 'bold',
};

/** Colours where stdout shows them: a terminal, or FORCE_COLOR; never with NO_COLOR, and never in a pipe. */
const coloured: Style = (kind, text) => styleText(COLOURS[kind], text, { stream: process.stdout });

/** stdout carries the result alone. */
function log(line: string): void {
  process.stderr.write(`${line}\n`);
}

function fail(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    process.stderr.write(
      `prunegate: ${oneLine(error.message.replace(/^error: /, '').replace(/\n/g, ' '))}; see prunegate --help\n`,
    );
    return BAD_INPUT;
  }
  if (error instanceof InputError) {
    const quoted = (error.details.output ?? []).map((line) => `  | ${line}\n`).join('');
    process.stderr.write(`prunegate: ${error.message}\n${quoted}`);
    return BAD_INPUT;
  }
  if (error instanceof CancelledError) {
    process.stderr.write(`prunegate: ${oneLine(error.message)}\n`);
    return 128 + constants.signals[error.signal];
  }
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`prunegate: this is a bug of prunegate ${VERSION}, please report it:\n${what}\n`);
  return OUR_BUG;
}

// A reader that closes early (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

/** `prunegate` alone asks what there is. */
const words = process.argv.length > 2 ? process.argv : [...process.argv, '--help'];

program()
  .parseAsync(words)
  .catch((error: unknown) => {
    process.exitCode = fail(error);
  })
  .finally(leave);

/** As soon as everything is written: what the event loop would do yet, collecting garbage, takes 20 ms. */
function leave(): void {
  process.stderr.write('', () => process.stdout.write('', () => process.exit()));
}
