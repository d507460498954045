import type { Settings } from '../config/index.ts';
import { makeReportSet, REPORT_FORMATS, type Reader, type Style } from '../report/index.ts';
import type { Checked } from './checked.ts';
import type { CheckedModels } from './each-model.ts';

/** What a command line prints and ends with. */
export interface Answer {
  readonly text: string;
  readonly exitCode: number;
}

/** 2 is a mistake of the user's (product contract). */
const BAD_INPUT = 2;

/** The results of a command on each model as one text and one exit status. One model alone is its report, many are a set. */
export function answerOf(
  { results, errors }: CheckedModels<Checked>,
  { format = 'text', all = false }: Settings,
  version: string,
  style?: Style,
): Answer {
  const reports = results.map(({ report }) => report);
  const [only] = reports;
  const isOne = reports.length === 1 && errors.length === 0 && only !== undefined;
  const result = isOne ? only : makeReportSet(version, reports, errors);
  return {
    text: REPORT_FORMATS[format].render(result, {
      ...readerOf(results, all),
      ...(style === undefined ? {} : { style }),
    }),
    exitCode: errors.length > 0 ? BAD_INPUT : worstExit(results.map(({ exitCode }) => exitCode)),
  };
}

/** One for whom the models were just checked. */
export function readerOf(results: readonly Checked[], all: boolean): Reader {
  const of = (model: string): Checked | undefined => results.find(({ report }) => report.model === model);
  return { all, explain: (model) => of(model)?.explain ?? null, numbers: (model) => of(model)?.numbers ?? null };
}

/** A divergence outweighs what could not be checked. */
function worstExit(codes: readonly number[]): number {
  return codes.includes(1) ? 1 : Math.max(0, ...codes);
}
