import type { ModelRequest } from '../config/index.ts';
import { pathBelow } from '../files/index.ts';
import { joined } from '../prose/index.ts';
import type { Report, ReportBaseline } from '../report/index.ts';
import { earlierReports } from '../report/merge.ts';
import { type Flips, flipsOf, type LayerResult, none } from '../verdict/index.ts';

/** What another run reported of models, or why that is not known, as the end of a sentence. */
export interface EarlierRun {
  /** What it is called: a file, or an artifact. */
  readonly file: string;
  readonly reports: readonly Report[] | string;
}

/** How a model stands to its baseline, and what a report says of it. */
interface Compared {
  readonly flips: Flips;
  readonly reported: ReportBaseline;
}

/** What is known of the model now. */
interface Now {
  readonly dialect: string;
  readonly layers: readonly LayerResult[];
}

/**
 * Reads the baseline of a model, with which it is compared once it is known. What the workflow names holds, whatever a prunegate.yml says.
 * @throws InputError for a report that is missing or damaged
 */
export function baselineOf(
  { baseline: path, name }: ModelRequest,
  { baseline, root = process.cwd() }: { readonly baseline?: EarlierRun; readonly root?: string },
): (now: Now) => Compared {
  const run = baseline ?? { file: pathBelow(path!, root) ?? path!, reports: earlierReports(path!) };
  return (now) => comparedWith(run, name ?? 'model', now);
}

function comparedWith({ file, reports }: EarlierRun, name: string, now: Now): Compared {
  const before = typeof reports === 'string' ? null : (reports.find(({ model }) => model === name) ?? null);
  const flips = before === null ? none(whyNot(file, reports, name)) : flipsOf({ file, ...before }, now);
  return { flips, reported: reportedBaseline(file, flips, before) };
}

function whyNot(file: string, reports: EarlierRun['reports'], name: string): string {
  if (typeof reports === 'string') return reports;
  return `${file} is of ${joined(
    reports.map(({ model }) => model),
    'more models',
  )}, not of ${name}`;
}

function reportedBaseline(file: string, { problem, ...found }: Flips, before: Report | null): ReportBaseline {
  return {
    file,
    problem,
    verdict: before?.verdict ?? null,
    ...found,
    before:
      before === null || problem !== null
        ? null
        : {
            filters: before.totals.filters.retained,
            parameters: before.totals.parameters.pruned,
            macs: before.totals.macs.pruned,
            bytes: before.totals.bytes.pruned,
            latencyMs: before.execution?.latencyMs?.pruned ?? null,
          },
  };
}
