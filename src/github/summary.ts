import { appendFileSync, statSync } from 'node:fs';

/** A step's summary may hold 1 MiB in all; one byte more and nothing is shown (FileCommandManager.cs, AttachmentSizeLimit). */
const MAX_SUMMARY_BYTES = 1024 * 1024;

/**
 * Appends to the job summary, or a shorter text where the whole one does not fit.
 * @returns a sentence where nothing was written, else null
 */
export function writeSummary(file: string | undefined, markdown: string, short: string): string | null {
  if (file === undefined || file === '') return 'no job summary: GITHUB_STEP_SUMMARY is not set';
  try {
    const room = MAX_SUMMARY_BYTES - sizeOf(file);
    const text = [markdown, short].map((each) => `${each}\n`).find((each) => Buffer.byteLength(each) <= room);
    if (text === undefined) return 'no job summary: the step has written a full one already';
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
