import type { ModelRequest } from '../config/index.ts';
import { pathBelow } from '../files/index.ts';
import type { Report, ReportBaseline } from '../report/index.ts';
import { earlierReports } from '../report/merge.ts';
import { type Flips, flipsOf, type LayerResult, none } from '../verdict/index.ts';

/** What an earlier run found of the model, and how the model stands to it. */
export interface Compared {
  readonly flips: Flips;
  readonly before: Report | null;
  readonly file: string;
}

/**
 * Compares a model with its baseline; null where none is given.
 * @throws InputError for a report that is missing or damaged
 */
export function comparedWithBaseline(
  request: ModelRequest,
  now: { readonly dialect: string; readonly layers: readonly LayerResult[] },
  root = process.cwd(),
): Compared | null {
  if (request.baseline === null) return null;
  const file = pathBelow(request.baseline, root) ?? request.baseline;
  const reports = earlierReports(request.baseline);
  if (typeof reports === 'string') return { flips: none(reports), before: null, file };
  const name = request.name ?? 'model';
  const before = reports.find(({ model }) => model === name) ?? null;
  if (before === null) {
    const names = reports.map(({ model }) => model).join(', ');
    return { flips: none(`${file} is of ${names}, not of ${name}`), before, file };
  }
  const { dialect, verdict, layers } = before;
  return { flips: flipsOf({ file, dialect, verdict, layers }, now), before, file };
}

/** What a report says of it. */
export function reportedBaseline({ flips, before, file }: Compared): ReportBaseline {
  const { problem, ...found } = flips;
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
