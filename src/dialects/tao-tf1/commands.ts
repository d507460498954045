import type { Word } from '../../config/command-line.ts';
import { inputErrorAt } from '../../errors/place.ts';
import { isNetwork } from './networks.ts';

/** The prune command in a text of commands: its flags, and the network whose it is. */
export interface PruneCommand {
  readonly words: Word[];
  /** null where it is not named. */
  readonly network: Word | null;
}

/** Words that stand before `prune` and name no network. */
const LAUNCHERS: ReadonlySet<string> = new Set(['tao', 'tlt', 'model', 'run', 'exec', 'sudo', 'time', 'nohup']);

/**
 * Finds the prune command, in whatever way it is called: `tao model yolo_v4 prune -m ...`, `!yolo_v4 prune`, in docker run, as a
 * Python script, behind `export KEY=...`, or its flags alone.
 * @throws InputError where there are several, or words that are no command
 */
export function commandIn(words: readonly Word[]): PruneCommand {
  const comment = words.find(({ text }) => text.startsWith('#'));
  if (comment !== undefined)
    throw inputErrorAt(comment.place, 'is a comment in a text of one line: leave it out', comment.text);
  const commands = [...new Set(words.map(({ command }) => command))].map((k) =>
    words.filter(({ command }) => command === k),
  );
  const called = commands.flatMap((one) => calledIn(one) ?? []);
  const [only, second] = called;
  if (second !== undefined) {
    const { place, text } = second.network ?? second.words[0] ?? words[0]!;
    throw inputErrorAt(place, 'is a second prune command: give one', text);
  }
  return only ?? plainIn(commands.find(([first]) => first?.text.startsWith('-')) ?? commands[0] ?? []);
}

/** `... yolo_v4 prune -m ...`, or the path of a script. */
function calledIn(words: readonly Word[]): PruneCommand | null {
  const at = words.findIndex(({ text }, k) => text === 'prune' && isNetwork(programOf(words[k - 1])));
  if (at > 0) return { words: words.slice(at + 1), network: { ...words[at - 1]!, text: programOf(words[at - 1]) } };
  const script = words.findIndex(({ text }) => SCRIPT.test(text));
  if (script < 0) return null;
  const [, network = null] = SCRIPT.exec(words[script]!.text) ?? [];
  return {
    words: words.slice(script + 1),
    network: network === null || network === 'common' ? null : { ...words[script]!, text: network },
  };
}

/** `cv/yolo_v4/scripts/prune.py`, or as a module, or the script of many networks. */
const SCRIPT = /^(?:.*[/.])?(?:(\w+)[/.]scripts[/.]prune|magnet_prune)(?:\.py)?$/;

/** Flags alone, or behind a command whose network is not known. */
function plainIn(words: readonly Word[]): PruneCommand {
  const start = words.findIndex(({ text }) => text.startsWith('-'));
  const before = start < 0 ? words : words.slice(0, start);
  const command = before.findLastIndex(({ text }) => text === 'prune');
  const stray = before.find((_, k) => k > command);
  if (stray !== undefined)
    throw inputErrorAt(
      stray.place,
      'is no flag: begin with one, or with the command, as in yolo_v4 prune -pth 0.1',
      stray.text,
    );
  const named = before[command - 1];
  const isNamed = named !== undefined && !LAUNCHERS.has(programOf(named)) && !named.text.includes('=');
  return { words: words.slice(before.length), network: isNamed ? { ...named, text: programOf(named) } : null };
}

/** A program without its folder, and without the `!` of a notebook's cell. */
function programOf(word: Word | undefined): string {
  return (word?.text ?? '').replace(/^[!%]/, '').replace(/^.*\//, '');
}
