import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import picomatch from 'picomatch';
import { type CommentPolicy, generalSettings, loadSources, type Settings } from '../config/index.ts';
import { InputError } from '../errors/input-error.ts';
import { inputErrorAt, type Place } from '../errors/place.ts';
import type { ReportSet } from '../report/index.ts';
import { mergeReports } from '../report/merge.ts';

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
  const { annotations, comment, checkRun } = generalSettings(loadSources(settings, cwd));
  return { annotations, comment, checkRun, warnOnly: settings.warnOnly ?? false };
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
export function merge(patterns: readonly string[], at: Place, version: string, warnOnly: boolean): Merged {
  const set = mergeReports(reportFiles(patterns, at), version);
  if (set.conclusion !== 'failure') return { set, exitCode: 0 };
  if (warnOnly) return { set: { ...set, conclusion: 'neutral' }, exitCode: 0 };
  const failed = set.reports.filter(({ conclusion }) => conclusion === 'failure');
  return { set, exitCode: failed.every(({ verdict }) => verdict === 'unverifiable') ? 3 : 1 };
}

/**
 * The files that paths and patterns name, in order and once each.
 * @param patterns with `*`, `**`, `?` and `{a,b}`; a path that exists is itself
 * @throws InputError for one that names no file: a report that is missing must not pass
 */
function reportFiles(patterns: readonly string[], at: Place): readonly string[] {
  if (patterns.length === 0) throw inputErrorAt(at, 'is required: name the reports to merge');
  const files = patterns.flatMap((pattern) => {
    if (isFile(pattern)) return [pattern];
    const found = matching(pattern);
    if (found.length === 0) throw inputErrorAt(at, 'names no file', pattern);
    return found;
  });
  return [...new Set(files)];
}

function matching(pattern: string): readonly string[] {
  const { base } = picomatch.scan(pattern);
  const folder = base === '' ? '.' : base;
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  const isMatch = picomatch(resolve(pattern).replaceAll('\\', '/'), { dot: true });
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => isMatch(resolve(file).replaceAll('\\', '/')))
    .sort();
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
