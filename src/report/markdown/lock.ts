import { counted, filterWords } from '../../prose/index.ts';
import { escapedName } from '../escape.ts';
import type { Report, ReportLock } from '../report.ts';
import { folded, more, table } from './blocks.ts';

/** Changed layers that are not folded up. */
const UNFOLDED = 6;
/** Filters and ranges of them in a cell. */
const MAX_IN_CELL = 12;

type Change = NonNullable<ReportLock['base']>['changes'][number];

/**
 * What a pull request asks its reviewers to agree to, beside what was agreed: nothing where it changes nothing, or where nobody looked.
 * @param most layers that are shown
 */
export function lockBlock({ lock, model }: Report, most: number): string[] {
  const base = lock?.base ?? null;
  if (lock == null || base === null || most === 0) return [];
  const file = escapedName(lock.file);
  if (base.state === 'unknown') return [`What was agreed at the base commit, by ${file} there, is not known.`];
  if (base.changes.length === 0) return [];
  if (base.state === 'absent')
    return [`Nothing was agreed of ${escapedName(model)} before: ${file} asks to agree to ${layers(base.changes)}.`];
  const rows = base.changes
    .slice(0, most)
    .map((change) => [escapedName(change.layer), side(change, 'agreed'), side(change, 'now')]);
  const hidden = more(base.changes.length - rows.length, 'more layers', 'are in the JSON report');
  const changes = [table(['layer', 'agreed at the base commit', 'to agree to'], rows), ...hidden].join('\n\n');
  return [
    `**To agree to:** ${file} changes what is agreed of ${layers(base.changes)}.`,
    rows.length <= UNFOLDED ? changes : folded(`${layers(base.changes)} to agree to`, changes),
  ];
}

function layers(changes: readonly Change[]): string {
  return counted(changes.length, 'layer');
}

function side(change: Change, which: 'agreed' | 'now'): string {
  const [indices, filters] = [change[which], change.filters[which]];
  if (indices === null) return 'nothing';
  return `${indices.length}\u00a0of\u00a0${filters ?? '?'}: ${filterWords(indices, MAX_IN_CELL)}`;
}
