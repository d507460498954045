import { type CommentPolicy, InputError, loadConfigEntries, type Place, type Settings } from './config/index.ts';
import { reportFiles } from './many-models.ts';
import type { ReportSet } from './report/index.ts';
import { mergeReports } from './report/merge.ts';

export interface Publishing {
  readonly annotations: boolean;
  readonly comment: CommentPolicy;
  readonly checkRun: boolean;
  readonly warnOnly: boolean;
}

/**
 * Where the merged result is told: inputs over prunegate.yml over defaults, as where models are checked.
 * @throws InputError for fail-on, which each check decides for itself
 */
export function publishingOf(settings: Settings, cwd: string): Publishing {
  if (settings.failOn !== undefined)
    throw new InputError('is decided where each model is checked: give it there', {
      key: 'input fail-on',
      value: settings.failOn.join(', '),
    });
  const entries = loadConfigEntries(settings, cwd);
  return {
    annotations: settings.annotations ?? entries.annotations,
    comment: settings.comment ?? entries.comment,
    checkRun: settings.checkRun ?? entries['check-run'],
    warnOnly: settings.warnOnly ?? false,
  };
}

export interface Merged {
  readonly set: ReportSet;
  /** 0 fine, 1 diverges, 3 unverifiable (product contract), as the checks that made the reports decided. */
  readonly exitCode: 0 | 1 | 3;
}

/**
 * One verdict of the reports that paths and patterns name. Each report's own fail-on and warn-only stand; what this gate fails on is
 * whatever failed there.
 * @param at where the patterns were given
 * @param warnOnly never fail
 * @throws InputError for a report that is missing, damaged or contradicts itself
 */
export function mergeFiles(patterns: readonly string[], at: Place, version: string, warnOnly: boolean): Merged {
  const set = mergeReports(reportFiles(patterns, at), version);
  if (set.conclusion !== 'failure') return { set, exitCode: 0 };
  if (warnOnly) return { set: { ...set, conclusion: 'neutral' }, exitCode: 0 };
  const failed = set.reports.filter(({ conclusion }) => conclusion === 'failure');
  return { set, exitCode: failed.every(({ verdict }) => verdict === 'unverifiable') ? 3 : 1 };
}
