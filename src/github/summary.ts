import { appendFileSync, statSync } from 'node:fs';
import type { Detail } from '../report/index.ts';
import { fittingText } from './body.ts';

/** A step's summary may hold 1 MiB in all; one byte more and nothing is shown (FileCommandManager.cs, AttachmentSizeLimit). */
const MAX_SUMMARY_BYTES = 1024 * 1024;

/**
 * Appends to the job summary, or a shorter text where the whole one does not fit beside what the step has written already.
 * @returns a sentence where nothing was written, else null
 */
export function appendSummary(file: string | undefined, textOf: (detail: Detail) => string): string | null {
  if (file === undefined || file === '') return 'no job summary: GITHUB_STEP_SUMMARY is not set';
  try {
    const room = MAX_SUMMARY_BYTES - sizeOf(file);
    const fits = (text: string): boolean => Buffer.byteLength(text) <= room;
    const text = fittingText((detail) => `${textOf(detail)}\n`, 'layers', fits);
    if (text === null) return 'no job summary: the step has written a full one already';
    appendFileSync(file, text);
    return null;
  } catch (error) {
    return `no job summary: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
}
