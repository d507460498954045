import { styleText } from 'node:util';
import { oneLine } from './errors/input-error.ts';
import type { Ask } from './pipeline/init.ts';
import { outputTo } from './process/output.ts';
import type { ProgressOut } from './process/progress.ts';
import type { Style, Tone } from './report/index.ts';

export const stdout = outputTo(1);
export const stderr = outputTo(2);

/** stdout carries the result alone. */
export function log(line: string): void {
  stderr.write(`${line}\n`);
}

/** Progress goes where logs go. */
export function progressOut(): ProgressOut {
  const { isTTY, columns } = stderr.isTerminal && process.env['TERM'] !== 'dumb' ? stderr.stream() : {};
  if (isTTY !== true || columns === undefined) return { line: log, redraw: null };
  // A terminal that does not know its size says 0.
  const shown = (text: string): string => (columns > 0 ? text.slice(0, columns - 1) : text);
  return { line: log, redraw: (text) => stderr.write(`\r\u001b[K${shown(text)}`) };
}

const COLOURS: Readonly<Record<Tone, Parameters<typeof styleText>[0]>> = {
  good: 'green',
  bad: 'red',
  open: 'yellow',
  title: 'bold',
};

/** Colours where stdout shows them: a terminal, or FORCE_COLOR; never with NO_COLOR, and never in a pipe. */
export const coloured: Style = (kind, text) =>
  stdout.isTerminal || process.env['FORCE_COLOR'] !== undefined
    ? styleText(COLOURS[kind], text, { stream: stdout.stream() })
    : text;

/** Places in a line of the terminal that stdout is; null for a pipe or a file, in which every line is whole. */
export function terminalWidth(): number | null {
  if (!stdout.isTerminal) return null;
  const { isTTY, columns } = stdout.stream();
  return isTTY === true && columns > 0 ? columns : null;
}

/** Asks on the terminal; null where there is none. */
export function terminal(): Ask {
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) return null;
  return async (question, choices) => {
    const { createInterface } = await import('node:readline/promises');
    const lines = createInterface({ input: process.stdin, output: stderr.stream() });
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
