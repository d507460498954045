import { join } from 'node:path';
import type { Format } from '../config/index.ts';
import { writeWhole } from '../files/index.ts';
import { REPORT_FORMATS } from './formats.ts';
import { ANYBODY, type Reader } from './reader.ts';
import type { Report, ReportSet } from './report.ts';

/**
 * Writes a report to `<folder>/<model>/report.<extension>`.
 * @returns the file's path
 * @throws InputError where the folder cannot be written
 */
export function writeReport(report: Report, folder: string, format: Format = 'json', reader: Reader = ANYBODY): string {
  const { extension, render } = REPORT_FORMATS[format];
  const target = join(folder, report.model, `report.${extension}`);
  writeWhole(target, render(report, reader));
  return target;
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
  const target = join(folder, `report.${REPORT_FORMATS.html.extension}`);
  writeWhole(target, REPORT_FORMATS.html.render(set, reader));
  return target;
}
