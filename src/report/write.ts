import { join } from 'node:path';
import type { Format } from '../config/index.ts';
import { writeWhole } from '../files/index.ts';
import { REPORT_FORMATS } from './formats.ts';
import { ANYBODY, type Reader } from './reader.ts';
import type { Report, ReportSet } from './report.ts';

/** Where a report lies, by format. */
export type ReportFiles = Readonly<Partial<Record<Format, string>>>;

/**
 * Writes a report to `<folder>/<model>/report.<extension>`, that of many models to `<folder>/report.<extension>`.
 * @returns the file's path
 * @throws InputError where the folder cannot be written
 */
export function writeReport(
  result: Report | ReportSet,
  folder: string,
  format: Format = 'json',
  reader: Reader = ANYBODY,
): string {
  const { extension, render } = REPORT_FORMATS[format];
  const target = join(folder, 'reports' in result ? '' : result.model, `report.${extension}`);
  writeWhole(target, render(result, reader));
  return target;
}

/**
 * Writes a report in JSON and in each of these formats.
 * @returns the files' paths
 * @throws InputError where the folder cannot be written
 */
export function writeReports(result: Report | ReportSet, folder: string, formats: readonly Format[]): ReportFiles {
  const wanted = [...new Set<Format>(['json', ...formats])];
  return Object.fromEntries(wanted.map((format) => [format, writeReport(result, folder, format)]));
}

/**
 * Writes the page that shows what was found: of one model beside its report, of several one for each and one of all, `<folder>/report.html`.
 * @returns the path of the page that has everything; null where no model could be checked, so that nobody knows that the folder may be written to
 * @throws InputError where the folder cannot be written
 */
export function writePages(set: ReportSet, folder: string, reader: Reader): string | null {
  const pages = set.reports.map((report) => writeReport(report, folder, 'html', reader));
  const [first = null] = pages;
  return first === null || pages.length + set.errors.length === 1 ? first : writePageOfAll(set, folder, reader);
}

/** Writes `<folder>/report.html`, the page of all models. */
export function writePageOfAll(set: ReportSet, folder: string, reader: Reader): string {
  return writeReport(set, folder, 'html', reader);
}
