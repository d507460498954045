import type { CommentPolicy, Format, Settings, Sources } from '../config/index.ts';
import { configOf, generalSettings, loadSources, parseYaml } from '../config/index.ts';
import { InputError } from '../errors/input-error.ts';
import type { Place } from '../errors/place.ts';
import type { ReportSet } from '../report/index.ts';
import { mergeReports } from '../report/merge.ts';
import { barUnder, type Policy, type PolicyHost, policyOf } from './policy.ts';
import { reportFiles } from './report-files.ts';

export interface Publishing {
  readonly annotations: boolean;
  readonly comment: CommentPolicy;
  readonly checkRun: boolean;
}

export interface MergeRequest {
  /** Paths and patterns, and where they were given. */
  readonly reports: readonly string[];
  readonly at: Place;
  /** The models of which there must be a report; null where nobody says. */
  readonly expected: readonly string[] | null;
  /** Never fail. */
  readonly warnOnly: boolean;
  /** Where the result is published. */
  readonly publishing: Publishing;
  /** Formats in which it is written to a file besides. */
  readonly formats: readonly Format[];
}

/**
 * What is to be merged: inputs or flags over prunegate.yml over defaults. A model that the base commit has, or the default branch where nothing is checked
 * out, must not be missing either.
 * @param host null where there is no base
 * @throws InputError for a mistake in settings or prunegate.yml, and for fail-on, which each check decides for itself
 */
export async function mergeRequest(
  settings: Settings,
  reports: readonly string[],
  at: Place,
  cwd: string,
  host: PolicyHost | null,
): Promise<MergeRequest> {
  if (settings.failOn !== undefined)
    throw new InputError('is decided where each model is checked: give it there', {
      key: 'input fail-on',
      value: settings.failOn.join(', '),
    });
  const sources = await sourcesOf(settings, cwd, host);
  const policy = host === null ? null : await policyOf(sources, host);
  const { annotations, comment, checkRun, formats } = generalSettings(sources, barUnder(policy, sources));
  return {
    ...{ reports, at, warnOnly: settings.warnOnly ?? false },
    expected: expectedModels(sources, policy),
    publishing: { annotations, comment, checkRun },
    formats,
  };
}

/** On workflow_run nothing is checked out, so that the default branch's prunegate.yml is asked for. */
async function sourcesOf(settings: Settings, cwd: string, host: PolicyHost | null): Promise<Sources> {
  if (host?.event?.name !== 'workflow_run' || settings.models !== undefined) return loadSources(settings, cwd);
  const { config, ...others } = settings;
  const named = config === false ? undefined : config;
  const sources = loadSources(others, cwd);
  if (sources.config.file !== null && named === undefined) return sources;
  for (const path of named === undefined ? ['prunegate.yml', 'prunegate.yaml'] : [named]) {
    const file = await host.readBase(path);
    if (file.kind === 'unknown') await host.warn(file.reason);
    if (file.kind !== 'absent')
      return file.kind === 'file' ? { ...sources, config: configOf(parseYaml(file.text, path), cwd) } : sources;
  }
  return sources;
}

function expectedModels({ settings, config }: Sources, policy: Policy | null): readonly string[] | null {
  const own = settings.models?.map(nameInReports) ?? namesIn(config);
  const atBase = policy?.mode === 'base' && policy.base.kind === 'read' ? namesIn(policy.base.config) : null;
  return own === null && atBase === null ? null : [...new Set([...(own ?? []), ...(atBase ?? [])])];
}

/** The models of a prunegate.yml as reports name them; null for one that describes none. */
function namesIn({ models }: Sources['config']): readonly string[] | null {
  const stated = models.filter(({ name, entry }) => name !== null || entry['dense'] !== undefined);
  return stated.length === 0 ? null : stated.map(({ name }) => nameInReports(name ?? ''));
}

/** A model without a name is the empty one in a plan, and `model` in reports. */
function nameInReports(name: string): string {
  return name === '' ? 'model' : name;
}

export interface Merged {
  readonly set: ReportSet;
  /** 0 fine, 1 diverges, 3 unverifiable (product contract), as the checks that made the reports decided. */
  readonly exitCode: 0 | 1 | 3;
}

/**
 * One verdict of the reports that paths and patterns name. Each report's own fail-on and warn-only stand; what this gate fails on is
 * whatever failed there, and whatever was not checked.
 * @throws InputError for a report that is missing, damaged, contradicts itself or is of a model that is not expected
 */
export function merge({ reports, at, expected, warnOnly }: MergeRequest, version: string): Merged {
  const set = mergeReports(reportFiles(reports, at), version, expected);
  if (set.conclusion !== 'failure') return { set, exitCode: 0 };
  if (warnOnly) return { set: { ...set, conclusion: 'neutral' }, exitCode: 0 };
  const failed = set.reports.filter(({ conclusion }) => conclusion === 'failure');
  return { set, exitCode: failed.every(({ verdict }) => verdict === 'unverifiable') ? 3 : 1 };
}
