import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../config/index.ts';
import { renderJson } from './json.ts';
import type { Report } from './report.ts';

/**
 * Writes a report under `<folder>/<model>/report.json`, under a temporary name first so that nobody reads half of it.
 * @returns the file's path
 * @throws InputError where the folder cannot be written
 */
export function writeReport(report: Report, folder: string): string {
  const target = join(folder, report.model, 'report.json');
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    mkdirSync(join(folder, report.model), { recursive: true });
    writeFileSync(temporary, renderJson(report));
    renameSync(temporary, target);
  } catch (error) {
    discard(temporary);
    throw new InputError(`cannot be written: ${(error as NodeJS.ErrnoException).code ?? String(error)}`, {
      file: target,
    });
  }
  return target;
}

function discard(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It was never made: its folder could not be.
  }
}
