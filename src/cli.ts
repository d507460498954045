#!/usr/bin/env node
import { constants } from 'node:os';
import { Command, CommanderError, Option } from 'commander';
import {
  FAIL_ON,
  FOLDINGS,
  FORMATS,
  type Format,
  loadRequests,
  type ModelRequest,
  PROVIDERS,
  settingsFromFlags,
} from './config/index.ts';
import { InputError, oneLine } from './errors/input-error.ts';
import { check } from './pipeline/check.ts';
import type { Checked } from './pipeline/checked.ts';
import { eachModel } from './pipeline/each-model.ts';
import { expect } from './pipeline/expect.ts';
import type { Host } from './pipeline/host.ts';
import { recover } from './pipeline/recover.ts';
import { run } from './pipeline/run.ts';
import { CancelledError } from './process/cancel.ts';
import { plainLog } from './process/log.ts';
import {
  type ModelError,
  makeReportSet,
  renderJson,
  renderMarkdown,
  renderSet,
  renderText,
  writeReport,
} from './report/index.ts';
import { VERSION } from './version.ts';

/** What one model is asked: both sides and their verdicts, one side alone, or both models executed and compared. */
const SCOPES: Readonly<Record<Scope, (request: ModelRequest, host: Host) => Promise<Checked>>> = {
  check,
  expect,
  recover,
  run,
};
type Scope = 'check' | 'expect' | 'recover' | 'run';

/** Exit status of product contract: 2 bad usage, config or input, 4 a bug of ours. */
const BAD_INPUT = 2;
const OUR_BUG = 4;

function program(): Command {
  const root = new Command('prunegate')
    .description(
      'Verifies which filters a pruner really retained, from the weights of the dense and the pruned ONNX model.',
    )
    .version(VERSION)
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .showSuggestionAfterError(true);
  addScope(root, 'check', 'compare expected and actual retained indices, and gate on it');
  addScope(root, 'expect', 'print the indices that should be retained, from the dense model alone');
  addScope(root, 'recover', 'print the indices that are retained, from both models alone');
  addScope(
    root,
    'run',
    'execute both models: does the pruned one compute what the dense one does with the same channels cut?',
  );
  addExplain(root);
  addPrune(root);
  addPlan(root);
  addMerge(root);
  root.addHelpText(
    'after',
    '\nExit status: 0 conforms, 1 diverges, 2 bad usage, config or input, 3 unverifiable, 4 a bug of prunegate.',
  );
  return root;
}

function addScope(root: Command, scope: Scope, description: string): void {
  const command = root
    .command(scope)
    .description(description)
    .allowExcessArguments(false)
    .option('--config <file>', 'prunegate.yml to read (default: ./prunegate.yml where it exists)')
    .option('--model <name>', 'one model of prunegate.yml')
    .option('--dense <file>', 'the model before pruning, exported without BatchNorm folding');
  if (scope !== 'expect') command.option('--pruned <file>', 'the model after pruning');
  if (scope === 'check' || scope === 'expect') {
    command
      .option('--spec <file>', 'the pruning spec: a TAO experiment spec, or its prune keys')
      .option('--overrides <key=value...>', 'settings over the spec, like prune.threshold=0.68')
      .addOption(new Option('--folding <state>', 'overrule the folding detector').choices([...FOLDINGS]));
  }
  if (scope === 'check') {
    command
      .option('--dense-folded <file>', 'the dense model exported with folding, to compare a folded pruned model with')
      .option('--reported <file>', 'retained indices as the pruner says: JSON {layer: [indices]}, or its log')
      .option(
        '--fail-on <verdicts>',
        `layer verdicts that fail, of ${FAIL_ON.join(', ')} (default: mismatch,unverifiable)`,
      )
      .option('--warn-only', 'report, but exit 0')
      .option('--tolerance <distance>', 'relative distance within which a retrained filter counts as the dense one');
    addCommands(command);
    command
      .option('--execute', 'execute both models and compare what they compute')
      .option('--no-execute', 'do not, whatever prunegate.yml says');
  }
  if (scope === 'check' || scope === 'run') {
    command.option('--report-dir <folder>', 'also write <folder>/<model>/report.json');
    addExecution(command);
    addGates(command);
  }
  command
    .addOption(new Option('--format <format>', 'what stdout carries').choices([...FORMATS]))
    .option('--all', 'show every layer')
    .action(async (options: Record<string, unknown>) => {
      process.exitCode = await runScope(scope, options);
    });
}

function addCommands(command: Command): void {
  command
    .option('--export-command <command>', 'command that exports the dense model')
    .option('--prune-command <command>', 'command that prunes it')
    .option('--no-commands', 'check the files as they lie, whatever commands prunegate.yml has')
    .option('--timeout-minutes <minutes>', 'end a command after so long')
    .option('--pass-env <names>', 'variables that commands may see though they look like secrets')
    .option('--allow-untrusted-commands', "run commands in a workflow about a fork's code all the same");
}

function addExecution(command: Command): void {
  command
    .addOption(new Option('--execution-provider <provider>', 'where they are executed').choices([...PROVIDERS]))
    .option('--require-gpu', 'fail where no GPU was used')
    .option('--onnxruntime <folder>', 'onnxruntime-node package to execute with')
    .option('--install-onnxruntime', 'install it with npm into a cache folder where it is not found')
    .option('--inputs <file...>', 'tensors (.npy, .npz) or pictures (PNG, JPEG) to execute on, besides zeros and noise')
    .option('--input-shapes <name=shape...>', 'sizes of inputs that the export leaves open: input_1=1x3x224x224');
}

function addGates(command: Command): void {
  command
    .option('--max-latency-ratio <ratio>', "fail where the pruned model's latency over the dense one's is more")
    .option('--min-parameter-reduction <share>', 'fail where pruning saves a smaller share of the parameters')
    .option('--min-mac-reduction <share>', 'fail where it saves a smaller share of the multiply-accumulates')
    .option('--min-size-reduction <share>', 'fail where it saves a smaller share of the bytes');
}

function addExplain(root: Command): void {
  root
    .command('explain')
    .description('show the numbers behind a layer: own norm, rank, partners, merged value and the cut')
    .allowExcessArguments(false)
    .option('--config <file>', 'prunegate.yml to read (default: ./prunegate.yml where it exists)')
    .option('--model <name>', 'one model of prunegate.yml')
    .option('--dense <file>', 'the model before pruning, exported without BatchNorm folding')
    .option('--spec <file>', 'the pruning spec')
    .option('--overrides <key=value...>', 'settings over the spec')
    .addOption(new Option('--folding <state>', 'overrule the folding detector').choices([...FOLDINGS]))
    .option('--layer <name>', 'one layer (default: every layer in a line)')
    .option('--filter <index>', 'one filter of the layer')
    .option('--all', 'every filter, not only those near the cut')
    .addOption(new Option('--format <format>', 'what stdout carries').choices([...FORMATS]))
    .action(async (options: Record<string, unknown>) => {
      const { explain } = await import('./pipeline/explain.ts');
      const { layer = null, filter, all = false } = options as { layer?: string; filter?: string; all?: boolean };
      const { text, exitCode } = await explain(onlyRequest(options, 'explain'), { layer, filter, all });
      process.stdout.write(text);
      process.exitCode = exitCode;
    });
}

function addPrune(root: Command): void {
  root
    .command('prune')
    .description('cut the dense model as the spec says, with the built-in pruner')
    .allowExcessArguments(false)
    .option('--config <file>', 'prunegate.yml to read (default: ./prunegate.yml where it exists)')
    .option('--model <name>', 'one model of prunegate.yml')
    .option('--dense <file>', 'the model before pruning, exported without BatchNorm folding')
    .option('--spec <file>', 'the pruning spec')
    .option('--overrides <key=value...>', 'settings over the spec')
    .addOption(new Option('--folding <state>', 'overrule the folding detector').choices([...FOLDINGS]))
    .requiredOption('--out <file>', 'the pruned model to write; retained.json is written beside it')
    .action(async (options: Record<string, unknown> & { readonly out: string }) => {
      const { prune } = await import('./pipeline/prune.ts');
      const { path, retained, notes } = await prune(onlyRequest(options, 'prune'), options.out, VERSION);
      for (const note of notes) log(oneLine(note));
      process.stdout.write(`pruned: ${oneLine(path)}\nretained indices: ${oneLine(retained)}\n`);
    });
}

function addPlan(root: Command): void {
  root
    .command('plan')
    .description("print the models of prunegate.yml as a matrix for GitHub's fromJSON")
    .allowExcessArguments(false)
    .option('--config <file>', 'prunegate.yml to read (default: ./prunegate.yml)')
    .action(async (options: Record<string, unknown>) => {
      const { plan } = await import('./pipeline/plan.ts');
      const matrix = plan(loadRequests(settingsFromFlags(options), process.cwd()));
      process.stdout.write(`${JSON.stringify(matrix)}\n`);
    });
}

function addMerge(root: Command): void {
  root
    .command('merge')
    .description('one verdict from the reports of many models or matrix legs')
    .argument('<reports...>', 'report.json files, or patterns like reports/**/report.json')
    .addOption(new Option('--format <format>', 'what stdout carries').choices([...FORMATS]))
    .option('--warn-only', 'report, but exit 0')
    .action(async (patterns: readonly string[], options: Record<string, unknown>) => {
      const { format = 'text', warnOnly = false } = settingsFromFlags(options);
      const { merge } = await import('./pipeline/merge.ts');
      const { set, exitCode } = merge(patterns, { file: null, line: null, key: 'merge' }, VERSION, warnOnly);
      process.stdout.write(
        format === 'json' ? renderJson(set) : format === 'markdown' ? `${renderMarkdown(set)}\n` : renderSet(set),
      );
      process.exitCode = exitCode;
    });
}

/** The one model of a command that takes no more. */
function onlyRequest(options: Record<string, unknown>, command: string): ModelRequest {
  const [request, another] = loadRequests(settingsFromFlags(options), process.cwd());
  if (request === undefined || another !== undefined)
    throw new InputError(`${command} takes one model; choose it`, { key: '--model' });
  return request;
}

async function runScope(scope: Scope, options: Record<string, unknown>): Promise<number> {
  const requests = loadRequests(settingsFromFlags(options), process.cwd()).map((request) =>
    options['commands'] === false ? { ...request, commands: { export: null, prune: null } } : request,
  );
  const { results, errors } = await eachModel(requests, log, async (request) => {
    const result = await SCOPES[scope](request, {
      version: VERSION,
      log,
      commandLog: plainLog(process.stderr),
      runtime: { project: process.cwd(), refusal: null, mayInstall: options['installOnnxruntime'] === true },
      isHashed: request.format === 'json' || request.reportDir !== null,
    });
    if (request.reportDir !== null && (scope === 'check' || scope === 'run'))
      log(`report: ${oneLine(writeReport(result.report, request.reportDir))}`);
    return result;
  });
  process.stdout.write(rendered(results, errors, requests[0]?.format ?? 'text', options['all'] === true));
  for (const { model, message } of errors) log(`prunegate: ${oneLine(model)}: ${message}`);
  return errors.length > 0 ? BAD_INPUT : worstExit(results.map(({ exitCode }) => exitCode));
}

function rendered(results: readonly Checked[], errors: readonly ModelError[], format: Format, all: boolean): string {
  const reports = results.map(({ report }) => report);
  const [only] = reports;
  const isOne = reports.length === 1 && errors.length === 0 && only !== undefined;
  const whole = isOne ? only : makeReportSet(VERSION, reports, errors);
  switch (format) {
    case 'json':
      return renderJson(whole);
    case 'markdown':
      return `${renderMarkdown(whole)}\n`;
    case 'text':
      return results
        .map((checked) =>
          renderText(checked.report, { all, specSummary: checked.spec?.summary ?? null, explain: checked.explain }),
        )
        .join('\n');
  }
}

/** stdout carries the result alone. */
function log(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** A divergence outweighs what could not be checked. */
function worstExit(codes: readonly number[]): number {
  return codes.includes(1) ? 1 : Math.max(0, ...codes);
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

program()
  .parseAsync()
  .catch((error: unknown) => {
    process.exitCode = fail(error);
  });
