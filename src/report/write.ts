import { join } from 'node:path';
import type { Format } from '../config/index.ts';
import { writeWhole } from '../files/index.ts';
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
