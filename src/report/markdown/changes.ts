import { joined } from '../../prose/index.ts';
import { valueText } from '../../verdict/index.ts';
import { escaped } from '../escape.ts';
import type { Report, ReportPolicy } from '../report.ts';
import { more } from './blocks.ts';

const DECIDING = ['spec', 'lock', 'policy'] as const;
type Deciding = (typeof DECIDING)[number];
type Change = ReportPolicy['changes'][number];

/**
 * Which of the files that decide a pull request changes, for whoever reviews it: another spec is another question, and a lower bar is found lower.
 * Nothing where nobody compared them with the base commit.
 * @param most changes of prunegate.yml that are shown one by one
 */
export function changesBlock(reports: readonly Report[], most: number): string[] {
  const policies = reports.flatMap(({ policy }) => (policy === null ? [] : [policy]));
  if (policies.length === 0) return [];
  const which = (state: boolean | null): readonly Deciding[] =>
    DECIDING.filter(
      (what) => policies.some(({ changed }) => changed[what] === state) && !isAbove(policies, what, state),
    );
  const [changed, unknown] = [which(true), which(null)];
  const sentences = [
    changed.length === 0 ? '' : `This pull request changes the ${bold(changed)}.`,
    unknown.length === 0 ? '' : `Whether it changes the ${bold(unknown)} is not known.`,
  ].filter((sentence) => sentence !== '');
  if (sentences.length === 0) return ['Spec, lock and policy are as at the base commit.'];
  const changes = distinct(policies.flatMap((policy) => policy.changes));
  const lines = changes.slice(0, most).map((change) => `- ${changeText(change)}`);
  const hidden =
    most === 0 ? [] : more(changes.length - most, 'more changes of prunegate.yml', 'are in the JSON report');
  return [[`${sentences.join(' ')}`, ...lines, ...hidden.map((line) => `- ${line}`)].join('\n')];
}

/** One that is changed for a model is changed, whatever is not known of another's. */
function isAbove(policies: readonly ReportPolicy[], what: Deciding, state: boolean | null): boolean {
  return state === null && policies.some(({ changed }) => changed[what] === true);
}

function bold(files: readonly Deciding[]): string {
  return joined(files.map((file) => `**${file}**`));
}

/** A key of all models stands in the report of each. */
function distinct(changes: readonly Change[]): readonly Change[] {
  return [...new Map(changes.map((change) => [JSON.stringify([change.key, change.model]), change])).values()];
}

function changeText({ key, model, before, after, isLowered, place }: Change): string {
  const whose = model === null ? '' : ` of ${model}`;
  const at = place.file === null ? '' : ` (${place.file}${place.line === null ? '' : `, line ${place.line}`})`;
  // A command or a spec is read where it stands.
  const isText = [before, after].every((value) => typeof value !== 'object' || value === null || Array.isArray(value));
  const values = isText ? `${valueText(before)} → ${valueText(after)}` : 'changed';
  return `${isLowered ? '⬇️ ' : ''}${escaped(`${key}${whose}: ${values}${at}`, 300)}`;
}
