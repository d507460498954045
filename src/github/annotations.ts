import * as core from '@actions/core';
import { oneLine } from '../errors/input-error.ts';
import { neutral } from '../process/neutral.ts';
import { COMPLETENESS_UNCHECKED, cutText, type Report, type ReportSet } from '../report/index.ts';
import { type ReviewPlace, reviewPlace } from './place.ts';

export interface Annotation extends ReviewPlace {
  readonly level: 'error' | 'warning';
  readonly title: string;
  readonly message: string;
}

/** What reviewers see: the verdict, then one annotation for each cause, worst first. */
export interface Annotations {
  /** null where there is nothing to tell. */
  readonly headline: Annotation | null;
  /** Models that could not be checked at all. */
  readonly unchecked: readonly Annotation[];
  readonly findings: readonly Annotation[];
}

const NOWHERE: ReviewPlace = { file: null, line: null };

/** The runner keeps the first ten errors and the first ten warnings of a step and drops the rest (ExecutionContext.cs, _maxCountPerIssueType). */
const MAX_ANNOTATIONS = 10;
/** The runner cuts a message there, silently (ExecutionContext.cs). */
const MAX_MESSAGE = 4096;
/** What anybody reads of a line. */
const MAX_LINE = 400;
/** GitHub's limit for a check annotation's title. */
const MAX_TITLE = 255;

export function annotationsOf(set: ReportSet): Annotations {
  const { reports, errors, verdict, conclusion } = set;
  const reported = reports.filter(isReported);
  const isMany = reports.length + errors.length > 1;
  if (verdict === null || reported.length + errors.length === 0) return { headline: null, unchecked: [], findings: [] };
  const lists = reported.map(({ model, findings, conclusion: own }) =>
    findings.map((finding) => {
      const title = isMany ? `${model}: ${finding.title}` : finding.title;
      return annotation(levelOf(own), title, finding.details, reviewPlace(finding));
    }),
  );
  return {
    headline: annotation(levelOf(conclusion), `${headlineOf(set)}${openEnd(set)}`, [countsOf(set)], NOWHERE),
    unchecked: errors.map(({ model, message }) =>
      annotation('error', `${model} was not checked`, message.split('\n'), NOWHERE),
    ),
    findings: interleaved(lists),
  };
}

/** Workflow commands: the headline first, for it must survive the limit, which is the step's over all models. */
export function printAnnotations({ headline, unchecked, findings }: Annotations): void {
  const all = [...(headline === null ? [] : [headline]), ...unchecked, ...findings];
  for (const each of all.slice(0, MAX_ANNOTATIONS)) printAnnotation(each);
}

/** One workflow command. A message that the runner would cut is cut here, where one sees that it was. */
export function printAnnotation({ level, title, message, file, line }: Annotation): void {
  const place = { title, ...(file === null ? {} : { file }), ...(line === null ? {} : { startLine: line }) };
  const text = cutText(message, MAX_MESSAGE);
  if (level === 'error') core.error(text, place);
  else core.warning(text, place);
}

/** A line of the log, which the runner takes for no command. */
export function printLine(line: string): void {
  core.info(neutral(line));
}

/** Lines of the log that are folded up below a title. */
export function printGroup(title: string, text: string): void {
  core.startGroup(neutral(oneLine(title)));
  printLine(text);
  core.endGroup();
}

function isReported({ verdict, conclusion }: Report): boolean {
  return verdict === 'diverges' || verdict === 'unverifiable' || conclusion === 'failure';
}

function levelOf(conclusion: Report['conclusion']): Annotation['level'] {
  return conclusion === 'failure' ? 'error' : 'warning';
}

/** What a headline has to add where nobody knew which models there should be. */
export function openEnd({ completeness }: ReportSet): string {
  return completeness === 'unchecked' ? `; ${COMPLETENESS_UNCHECKED}` : '';
}

function headlineOf({ reports, errors }: ReportSet): string {
  const [only] = reports;
  const count = reports.length + errors.length;
  if (count === 1 && only !== undefined)
    return only.verdict === 'unverifiable' ? `${only.model} is unverifiable` : `${only.model} ${only.verdict}`;
  return `${reports.filter(isReported).length + errors.length} of ${count} models do not pass`;
}

/** Models whose counts a headline has. */
const MAX_MODELS = 5;

function countsOf({ reports, errors }: ReportSet): string {
  const [only, another] = reports;
  if (only !== undefined && another === undefined && errors.length === 0)
    return `${cutText(countOf(only), MAX_LINE - 40)}. The job summary has them all.`;
  const reported = [
    ...errors.map(({ model }) => `${model}: not checked`),
    ...reports.filter(isReported).map((report) => `${report.model}: ${countOf(report)}`),
  ];
  const more = reported.length > MAX_MODELS ? [`${reported.length - MAX_MODELS} more`] : [];
  const shown = reported.slice(0, MAX_MODELS).map((each) => cutText(each, 60));
  return `${[...shown, ...more].join('; ')}. The job summary has them all.`;
}

function countOf({ verdict, findings, totals: { layers, mismatch, unverifiable, ambiguous } }: Report): string {
  const parts = [
    mismatch > 0 ? `${mismatch} of ${layers} layers diverge` : '',
    unverifiable > 0 ? `${unverifiable} of ${layers} layers could not be verified` : '',
    // Nothing else fails a model that conforms.
    verdict === 'conforms' && ambiguous > 0
      ? `${ambiguous} of ${layers} layers are ambiguous, which fail-on names`
      : '',
  ].filter((part) => part !== '');
  // A failed gate, or a layer that the dense model does not have.
  return parts.length === 0 ? (findings[0]?.title ?? 'it does not pass') : parts.join(', ');
}

/** The worst finding of each model before the second of any. */
function interleaved<T>(lists: readonly (readonly T[])[]): readonly T[] {
  const longest = Math.max(...lists.map((list) => list.length));
  return Array.from({ length: longest }, (_, k) => lists.flatMap((list) => list.slice(k, k + 1))).flat();
}

function annotation(
  level: Annotation['level'],
  title: string,
  details: readonly string[],
  { file, line }: ReviewPlace,
): Annotation {
  const whole = cutText(oneLine(`prunegate: ${title}`), MAX_TITLE);
  const lines = details.map((detail) => cutText(oneLine(detail), MAX_LINE));
  // The runner does not print an annotation without a message.
  return { level, title: whole, message: lines.join('\n') || whole, file, line };
}
