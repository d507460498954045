import * as core from '@actions/core';
import type { Report, ReportFiles, ReportSet } from '../report/index.ts';
import { firstLine, messageOf } from './trouble.ts';

/** As action.yml describes them. */
export const OUTPUTS = [
  ...([
    'verdict',
    'conclusion',
    'mismatched-layers',
    'report-json',
    'report-html',
    'sarif',
    'junit',
    'matrix',
  ] as const),
  ...(['matched', 'mismatched', 'ambiguous', 'unverifiable', 'comment-url'] as const),
] as const;

export type Outputs = Readonly<Partial<Record<(typeof OUTPUTS)[number], string | number>>>;

/**
 * Sets outputs of the step.
 * @returns a sentence where they could not all be set, else null. Who reads them then finds none, so the step must fail.
 */
export function setOutputs(outputs: Outputs): string | null {
  try {
    for (const [name, value] of Object.entries(outputs)) core.setOutput(name, value);
    return null;
  } catch (error) {
    return `The step's outputs could not be written to GITHUB_OUTPUT: ${firstLine(messageOf(error))}`;
  }
}

/** Outputs that name the files of a format, one on a line for each model. */
const FILE_OUTPUTS = { 'report-json': 'json', sarif: 'sarif', junit: 'junit' } as const;

function fileOutputs(files: readonly ReportFiles[]): Outputs {
  const paths = Object.entries(FILE_OUTPUTS).map(([name, format]) => {
    return [name, files.flatMap((own) => own[format] ?? []).join('\n')];
  });
  return Object.fromEntries(paths);
}

/**
 * What a check or a merge found out.
 * @param files of the reports
 * @param page the one that has everything; null where none was written
 */
export function verdictOutputs(
  { reports, verdict, conclusion }: ReportSet,
  files: readonly ReportFiles[],
  page: string | null,
): Outputs {
  const layers = reports.flatMap((report) => report.layers);
  const named = ({ model, layers: own }: Report): readonly string[] =>
    own.flatMap(({ name, verdict: found }) =>
      found !== 'mismatch' ? [] : reports.length > 1 ? [`${model}: ${name}`] : [name],
    );
  const count = (wanted: string): number => layers.filter((layer) => layer.verdict === wanted).length;
  return {
    verdict: verdict ?? '',
    conclusion: conclusion ?? '',
    'mismatched-layers': JSON.stringify(reports.flatMap(named)),
    matched: count('match'),
    mismatched: count('mismatch'),
    ambiguous: count('ambiguous'),
    unverifiable: count('unverifiable'),
    ...fileOutputs(files),
    'report-html': page ?? '',
  };
}
