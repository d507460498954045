import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Format } from '../config/index.ts';
import { InputError } from '../errors/input-error.ts';
import { makeFolder } from '../files/index.ts';
import { REPORT_FORMATS } from './formats.ts';
import { ANYBODY } from './reader.ts';
import type { Report } from './report.ts';

/**
 * Writes a report to `<folder>/<model>/report.<extension>`.
 * @returns the file's path
 * @throws InputError where the folder cannot be written
 */
export function writeReport(report: Report, folder: string, format: Format = 'json'): string {
  const { extension, render } = REPORT_FORMATS[format];
  const target = join(folder, report.model, `report.${extension}`);
  writeWhole(target, render(report, ANYBODY));
  return target;
}

/**
 * Writes a file under a temporary name and renames it; its folder is made where it is missing.
 * @throws InputError where it cannot be written
 */
export function writeWhole(target: string, text: string): void {
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    makeFolder(dirname(target));
    writeFileSync(temporary, text);
    renameSync(temporary, target);
  } catch (error) {
    discard(temporary);
    throw new InputError(`cannot be written: ${(error as NodeJS.ErrnoException).code ?? String(error)}`, {
      file: target,
    });
  }
}

function discard(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It was never made: its folder could not be.
  }
}
