import { expect, it } from 'vitest';
import { verdictOutputs } from '../../src/github/outputs.ts';
import type { Report, ReportSet } from '../../src/report/index.ts';

const report = (model: string, layers: Readonly<Record<string, string>>): Report =>
  ({ model, layers: Object.entries(layers).map(([name, verdict]) => ({ name, verdict })) }) as unknown as Report;
const set = (...reports: readonly Report[]): ReportSet =>
  ({ reports, verdict: 'diverges', conclusion: 'failure', errors: [] }) as unknown as ReportSet;

it('count the layers of all models, and name those that diverge', () => {
  const one = report('m', { a: 'match', b: 'mismatch', c: 'ambiguous', d: 'unverifiable', e: 'match' });
  expect(verdictOutputs(set(one), [{ json: '/r/m/report.json' }], null)).toMatchObject({
    verdict: 'diverges',
    conclusion: 'failure',
    'mismatched-layers': '["b"]',
    matched: 2,
    mismatched: 1,
    ambiguous: 1,
    unverifiable: 1,
    'report-json': '/r/m/report.json',
  });
});

it('of several models have the model before each layer, and a line for each report', () => {
  const [a, b] = [report('a', { x: 'mismatch' }), report('b', { x: 'match' })];
  expect(verdictOutputs(set(a, b), [{ json: '/r/a.json' }, { json: '/r/b.json' }], null)).toMatchObject({
    'mismatched-layers': '["a: x"]',
    'report-json': '/r/a.json\n/r/b.json',
  });
});

it('are empty where there is no verdict', () => {
  const none = { ...set(), verdict: null, conclusion: null };
  expect(verdictOutputs(none, [], null)).toMatchObject({ verdict: '', conclusion: '', 'mismatched-layers': '[]' });
});
