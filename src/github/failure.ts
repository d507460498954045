import { InputError } from '../errors/input-error.ts';
import { CancelledError } from '../process/cancel.ts';
import type { Annotation } from './annotations.ts';
import { inWorkspace } from './place.ts';

/** What reviewers read of a run that failed itself; a string is a line of the log, for what was cancelled is no finding. */
export function failureOf(error: unknown, version: string, workspace: string | undefined): Annotation | string {
  if (error instanceof CancelledError) return error.message;
  if (!(error instanceof InputError)) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const title = `prunegate ${version}: this is a bug, please report it`;
    return { level: 'error', title, message, file: null, line: null };
  }
  const { file = null, line = null, output = [] } = error.details;
  return {
    level: 'error',
    title: output.length === 0 ? 'prunegate: check your configuration' : 'prunegate: a command failed',
    message: [error.message, ...output].join('\n'),
    ...inWorkspace({ file, line }, workspace),
  };
}
