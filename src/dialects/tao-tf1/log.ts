import type { Reported, ReportedCount } from '../reported.ts';
import { readTaoLog } from '../tao/log.ts';

/** What the pruner logs of each layer that it rebuilds, at DEBUG (`prune -v`; pruning.py:822 and 854): a number, no indices. */
const LOGGED_COUNT = /\blayer ([\w./-]+): (\d+) -> (\d+) - actions:/g;

/** The numbers of filters in the pruner's own log, and the indices that a user's print adds. */
export function readTf1Log(text: string): Reported {
  const counts = [...text.matchAll(LOGGED_COUNT)].map(([, layer = '', filters, retained]): [string, ReportedCount] => [
    layer,
    { filters: Number(filters), retained: Number(retained) },
  ]);
  return { ...readTaoLog(text), counts: new Map(counts) };
}
