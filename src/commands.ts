import {
  type CommandName,
  loadOnlyRequest,
  loadPlanned,
  loadRequests,
  type ModelRequest,
  type Settings,
} from './config/index.ts';
import { InputError, oneLine } from './errors/input-error.ts';
import { readEvent } from './github/events.ts';
import { type Answer, answerOf, readerOf } from './pipeline/answer.ts';
import type { Checked } from './pipeline/checked.ts';
import { type Confines, confinesOf, runtimeSources, within, withoutQuotes } from './pipeline/confine.ts';
import { type Asking, type CheckedModels, eachModel } from './pipeline/each-model.ts';
import { explain } from './pipeline/explain.ts';
import { plan } from './pipeline/plan.ts';
import { plainLog } from './process/log.ts';
import { ANYBODY, makeReportSet, REPORT_FORMATS, writePages, writeReports } from './report/index.ts';
import { coloured, log, progressOut, stderr, terminal } from './terminal.ts';
import { VERSION } from './version.ts';

export interface CommandEntry {
  readonly description: string;
  /** What it takes beside flags, as commander writes it, and what that is. */
  readonly argument?: readonly [string, string];
  /** Models that it takes without their flags, in this order. */
  readonly models?: readonly ('dense' | 'pruned')[];
  /** Command lines that help shows, without the program's name; test/e2e/help.test.ts runs them. */
  readonly examples?: readonly string[];
  run(settings: Settings, given: readonly string[]): Promise<Answer>;
}

/** The commands in the order of `--help`. */
export const COMMANDS: Readonly<Record<CommandName, CommandEntry>> = {
  check: {
    description: 'compare expected and actual retained indices, and gate on it',
    examples: [
      'check dense.onnx pruned.onnx --spec prune.yaml',
      'check dense.onnx --spec prune.yaml',
      'check dense.onnx pruned.onnx --spec prune.yaml --format json',
    ],
    models: ['dense', 'pruned'],
    run: (settings) => eachWith('check', settings, true),
  },
  expect: {
    description: 'print the indices that should be retained, from the dense model alone',
    examples: ['expect dense.onnx --spec prune.yaml --all'],
    models: ['dense'],
    run: (settings) => eachWith('expect', settings, false),
  },
  recover: {
    description: 'print the indices that are retained, from both models alone',
    examples: ['recover dense.onnx pruned.onnx'],
    models: ['dense', 'pruned'],
    run: (settings) => eachWith('recover', settings, false),
  },
  run: {
    description: 'execute both models: does the pruned one compute what the dense one does with the same channels cut?',
    examples: ['run dense.onnx pruned.onnx'],
    models: ['dense', 'pruned'],
    run: (settings) => eachWith('run', settings, true),
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
      const host = { version: VERSION, log, commandLog: plainLog(stderr.stream), isHashed: false };
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
async function eachWith(command: Asking['command'], settings: Settings, isWritten: boolean): Promise<Answer> {
  const { format, installOnnxruntime: mayInstall = false } = settings;
  const bounds = confines();
  const requests = loaded(() => loadRequests(settings, process.cwd()));
  if (settings.formats !== undefined && requests.some(({ reportDir }) => reportDir === null))
    throw new InputError('needs --report-dir, under which the files are written', { key: '--formats' });
  const asking: Asking = {
    command,
    confines: bounds,
    out: progressOut(),
    hostOf: ({ reportDir }) => ({
      version: VERSION,
      isHashed: format === 'json' || format === 'html' || reportDir !== null,
      isPictured: format === 'html' || (isWritten && reportDir !== null),
    }),
    partsOf: (request) => ({
      commandLog: plainLog(stderr.stream),
      runtime: runtimeSources(request, bounds, mayInstall),
    }),
  };
  const models = await eachModel(requests, asking, (result, { reportDir, formats }, say) => {
    if (isWritten && reportDir !== null)
      for (const path of Object.values(writeReports(result.report, reportDir, formats)))
        say(`report: ${oneLine(path)}`);
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
