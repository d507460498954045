import type { CommandRequest } from '../../src/config/index.ts';
import type { Cancel } from '../../src/process/cancel.ts';
import type { CommandLog } from '../../src/process/log.ts';
import type { Times } from '../../src/process/run.ts';

export const PLACE = { file: 'prunegate.yml', line: 7, key: 'prune' };

export function command(run: string, settings: Partial<CommandRequest> = {}): CommandRequest {
  return { run, shell: null, workingDirectory: null, env: {}, timeoutMinutes: null, at: PLACE, ...settings };
}

/** Times for processes that do as they are told within milliseconds. */
export const QUICK: Times = {
  silence: 60_000,
  patience: { interrupt: 400, terminate: 400, kill: 2000 },
  drain: 300,
};

export const NEVER: Cancel = { requested: new Promise(() => {}), again: new AbortController().signal };

export interface Recorded extends CommandLog {
  readonly lines: string[];
}

/** A log that only remembers. */
export function recorded(): Recorded {
  const lines: string[] = [];
  return {
    lines,
    begin: (title) => lines.push(`[${title}]`),
    line: (text) => lines.push(text),
    end: (summary) => lines.push(`[end] ${summary}`),
    ready: async () => {},
  };
}
