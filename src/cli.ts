#!/usr/bin/env node
import { constants } from 'node:os';
import { Command, CommanderError, Option } from 'commander';
import { COMMANDS, type CommandEntry } from './commands.ts';
import { type CommandName, flagsOf, type Settings, settingsFromFlags } from './config/index.ts';
import { InputError, oneLine } from './errors/input-error.ts';
import { CancelledError } from './process/cancel.ts';
import { fitted } from './report/index.ts';
import { stderr, stdout, terminalWidth } from './terminal.ts';
import { VERSION } from './version.ts';

/** Exit status of product contract: 2 bad usage, config or input, 4 a bug of ours. */
const BAD_INPUT = 2;
const OUR_BUG = 4;

/** @param asked the first word: a command's flags are only made where it is that one, or where it is none and help tells of all */
function program(asked: string | undefined): Command {
  const root = new Command('prunegate')
    .description(
      'Verifies which filters a pruner really retained, from the weights of the dense and the pruned ONNX model.',
    )
    .version(VERSION)
    .exitOverride()
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: () => {} })
    .showSuggestionAfterError(true);
  const known = Object.keys(COMMANDS) as CommandName[];
  for (const name of known.some((one) => one === asked) ? [asked as CommandName] : known)
    addCommand(root, name, COMMANDS[name]);
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
    const settings = settingsFromFlags(options);
    const { text, exitCode } = await runIt(settings, command.args);
    stdout.write(shown(text, name, settings));
    process.exitCode = exitCode;
  });
}

/** What people read is fitted to their terminal; what programs read stays as it is. */
function shown(text: string, name: CommandName, { format = 'text' }: Settings): string {
  const width = terminalWidth();
  const isProse = format === 'text' && flagsOf(name).some(({ key }) => key === 'format');
  return width === null || !isProse ? text : fitted(text, width);
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

function fail(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    stderr.write(
      `prunegate: ${oneLine(error.message.replace(/^error: /, '').replace(/\n/g, ' '))}; see prunegate --help\n`,
    );
    return BAD_INPUT;
  }
  if (error instanceof InputError) {
    const quoted = (error.details.output ?? []).map((line) => `  | ${line}\n`).join('');
    stderr.write(`prunegate: ${error.message}\n${quoted}`);
    return BAD_INPUT;
  }
  if (error instanceof CancelledError) {
    stderr.write(`prunegate: ${oneLine(error.message)}\n`);
    return 128 + constants.signals[error.signal];
  }
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  stderr.write(`prunegate: this is a bug of prunegate ${VERSION}, please report it:\n${what}\n`);
  return OUR_BUG;
}

/** `prunegate` alone asks what there is. */
const words = process.argv.length > 2 ? process.argv : [...process.argv, '--help'];

// Node ends as if all were well where nothing is left that could settle what is waited for. What is settled leaves before that.
process.once('beforeExit', () => {
  process.exitCode = fail(new Error('it ended without a result'));
  leave();
});

program(words[2])
  .parseAsync(words)
  .catch((error: unknown) => {
    process.exitCode = fail(error);
  })
  .finally(leave);

/** As soon as everything is written: what the event loop would do yet, collecting garbage, takes 20 ms. */
function leave(): void {
  stderr.finish(() => stdout.finish(() => process.exit()));
}
