import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { neutral } from './neutral.ts';

/** Where a command's output is shown while it runs, one command at a time. */
export interface CommandLog {
  begin(title: string): void;
  /** One line of the command's, which is safe to show, or of prunegate's about it. */
  line(text: string): void;
  /** @param summary one line below the section; '' for none. */
  end(summary: string): void;
  /** Resolves once whoever reads the log has caught up: output is held in pipes, not in memory. */
  ready(): Promise<void>;
}

/** Lines below a heading, for a terminal or a log file. */
export function plainLog(out: () => Writable): CommandLog {
  return logTo(out, (title) => `-- ${title}\n`, '');
}

/**
 * A group of the runner's log, in which the runner obeys no command until a token is printed that the command cannot guess. Lines are harmless
 * on their own too: the token can be read in the runner's files on the machine.
 */
export function groupLog(out: () => Writable): CommandLog {
  const token = globalThis.crypto.randomUUID();
  const escaped = (text: string): string => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  return logTo(
    out,
    (title) => `::group::${escaped(title)}\n::stop-commands::${token}\n`,
    `::${token}::\n::endgroup::\n`,
  );
}

/** @param stream is asked for where a command begins: most runs have none */
function logTo(stream: () => Writable, heading: (title: string) => string, ending: string): CommandLog {
  let isBroken = false;
  const write = (text: string): void => {
    if (!isBroken && text !== '') stream().write(text);
  };
  // Whoever read the log is gone. That is no reason to break off a training that is nearly done.
  const broken = (): void => {
    isBroken = true;
  };
  return {
    begin: (title) => {
      stream().on('error', broken);
      write(heading(neutral(title)));
    },
    line: (text) => write(`${text}\n`),
    end: (summary) => {
      write(ending);
      write(summary === '' ? '' : `${neutral(summary)}\n`);
      stream().removeListener('error', broken);
    },
    ready: async () => {
      if (!isBroken && stream().writableNeedDrain) await once(stream(), 'drain').catch(broken);
    },
  };
}
