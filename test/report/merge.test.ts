import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ANYBODY, makeReportSet, REPORT_FORMATS, type Report } from '../../src/report/index.ts';
import { readReports } from '../../src/report/merge.ts';
import * as made from './reports.ts';

const { definitions } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../schemas/report.schema.json'), 'utf8'),
) as { readonly definitions: Readonly<Record<'report' | 'layer', { readonly required: readonly string[] }>> };

/** As a file has them: with the models' hashes. */
const [right, wrong] = [made.right, made.wrong].map((report): Report => {
  const hashed = <T extends object>(input: T): T => ({ ...input, sha256: '0'.repeat(64) });
  return { ...report, inputs: { dense: hashed(report.inputs.dense), pruned: hashed(report.inputs.pruned!) } };
}) as [Report, Report];

function only(value: object, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(value).filter(([key]) => keys.includes(key)));
}

/** With the keys alone that the schema requires, as another program may write it. */
function bare(report: Report): object {
  const layers = report.layers.map((layer) => only(layer, definitions.layer.required));
  return { ...only(report, definitions.report.required), layers };
}

/** Renders it in every form; the page holds a program, whose words are its own. */
function render(result: Parameters<(typeof REPORT_FORMATS)['json']['render']>[0]): void {
  for (const [name, format] of Object.entries(REPORT_FORMATS)) {
    const text = format.render(result, ANYBODY);
    if (name !== 'html') expect(text, name).not.toContain('undefined');
  }
}

const read = (value: unknown): readonly Report[] => readReports('r.json', JSON.stringify(value));

describe('a report that says no more than it must', () => {
  it('fails where it does not conform, for nothing in it says otherwise', () => {
    expect(read(bare(right))).toMatchObject([{ verdict: 'conforms', conclusion: 'success' }]);
    expect(read(bare(wrong))).toMatchObject([{ verdict: 'diverges', conclusion: 'failure' }]);
  });

  it('is shown in every form, alone and among others', () => {
    const reports = [right, wrong].flatMap((report) => read(bare(report)));
    for (const result of [...reports, makeReportSet('1.2.3', reports)]) render(result);
  });

  it.each(Object.keys(wrong).filter((key) => !definitions.report.required.includes(key)))('may leave out %s', (key) => {
    const { [key as keyof Report]: _, ...rest } = wrong;
    const [report] = read(rest);
    render(report!);
  });
});

describe('reports of several models are refused', () => {
  const set = (changes: object): unknown => ({ ...makeReportSet('1.2.3', [right]), ...changes });

  it.each<readonly [string, object, string]>([
    ['whose verdict is worse than theirs', { verdict: 'diverges' }, 'verdict: contradicts its reports'],
    ['whose verdict is better', { reports: [right, wrong], verdict: 'conforms' }, 'the worst is diverges'],
    ['that say errors in another form', { errors: { 0: 'gone' } }, 'errors: says that models could not be checked'],
    ['that hold none', { reports: [] }, 'reports: must be a list of at least one report'],
  ])('%s', (_, changes, message) => {
    expect(read(set({}))).toHaveLength(1);
    expect(() => read(set(changes))).toThrow(message);
  });
});
