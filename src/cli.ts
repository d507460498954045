#!/usr/bin/env node
import { Command, CommanderError, Option } from 'commander';
import { check, type Scope } from './check.ts';
import { FAIL_ON, FOLDINGS, FORMATS, InputError, loadRequests, oneLine, settingsFromFlags } from './config/index.ts';
import { makeReportSet, renderJson, renderText, writeReport } from './report/index.ts';
import { VERSION } from './version.ts';

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
  if (scope !== 'recover') {
    command
      .option('--spec <file>', 'the pruning spec: a TAO experiment spec, or its prune keys')
      .option('--overrides <key=value...>', 'settings over the spec, like prune.threshold=0.68')
      .addOption(new Option('--folding <state>', 'overrule the folding detector').choices([...FOLDINGS]));
  }
  if (scope === 'check') {
    command
      .option('--dense-folded <file>', 'the dense model exported with folding, to compare a folded pruned model with')
      .option('--report-dir <folder>', 'also write <folder>/<model>/report.json')
      .option(
        '--fail-on <verdicts>',
        `layer verdicts that fail, of ${FAIL_ON.join(', ')} (default: mismatch,unverifiable)`,
      )
      .option('--warn-only', 'report, but exit 0');
  }
  command
    .addOption(new Option('--format <format>', 'what stdout carries').choices([...FORMATS]))
    .option('--all', 'show every layer')
    .action((options: Record<string, unknown>) => {
      process.exitCode = run(scope, options);
    });
}

function run(scope: Scope, options: Record<string, unknown>): number {
  const requests = loadRequests(settingsFromFlags(options), process.cwd());
  const results = requests.map((request) => {
    const result = check(request, scope, VERSION);
    if (request.reportDir !== null && scope === 'check')
      process.stderr.write(`report: ${oneLine(writeReport(result.report, request.reportDir))}\n`);
    return { request, result };
  });
  const reports = results.map(({ result }) => result.report);
  const [only] = reports;
  if (requests[0]?.format === 'json')
    process.stdout.write(
      renderJson(reports.length === 1 && only !== undefined ? only : makeReportSet(VERSION, reports)),
    );
  else
    process.stdout.write(
      results
        .map(({ result }) =>
          renderText(result.report, { all: options['all'] === true, specSummary: result.spec?.summary ?? null }),
        )
        .join('\n'),
    );
  return worstExit(results.map(({ result }) => result.exitCode));
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
    process.stderr.write(`prunegate: ${error.message}\n`);
    return BAD_INPUT;
  }
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`prunegate: this is a bug of prunegate ${VERSION}, please report it:\n${what}\n`);
  return OUR_BUG;
}

// A reader that closes early (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

try {
  program().parse();
} catch (error) {
  process.exitCode = fail(error);
}
