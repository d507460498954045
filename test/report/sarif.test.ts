import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Log, Result } from 'sarif';
import { describe, expect, it } from 'vitest';
import { makeReportSet, type Report } from '../../src/report/index.ts';
import { renderSarif } from '../../src/report/sarif.ts';
import { HOSTILE, right, wrong } from './reports.ts';

const schema = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/formats/sarif-schema-2.1.0.json'), 'utf8'),
);
const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schema);

/** The log, after the official schema has taken it. */
function sarifOf(result: Parameters<typeof renderSarif>[0]): Log {
  const log: Log = JSON.parse(renderSarif(result));
  expect(validate(log), JSON.stringify(validate.errors)).toBe(true);
  return log;
}

function resultsOf(report: Report): readonly Result[] {
  return sarifOf(report).runs[0]!.results!;
}

describe('SARIF', () => {
  it('of a diverging model has a result for each finding, on the line of the spec', () => {
    const [first, another] = resultsOf(wrong);
    expect(another).toBeUndefined();
    expect(first).toMatchObject({
      ruleId: 'prunegate/layers',
      level: 'error',
      message: { text: expect.stringMatching(/^conv1 and expanded_conv_depthwise kept the wrong 3 of 16 filters\n/) },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: 'specs/prune.yaml', uriBaseId: '%SRCROOT%' },
            region: { startLine: 6 },
          },
          logicalLocations: [{ name: 'conv1', fullyQualifiedName: 'wrong/conv1' }],
        },
      ],
    });
  });

  it('is this file, of a diverging model', async () => {
    await expect(renderSarif(wrong)).toMatchFileSnapshot('../fixtures/formats/diverges.sarif');
  });

  it('of a conforming model has a run without results, so that alerts are closed', () => {
    expect(resultsOf(right)).toEqual([]);
  });

  it('has a run of its own category for each model, and an alert for a model that could not be checked', () => {
    const set = makeReportSet('1.2.3', [right, wrong], [{ model: 'gone', message: 'gone.onnx: does not exist' }]);
    const { runs } = sarifOf(set);
    expect(runs.map(({ automationDetails }) => automationDetails?.id)).toEqual([
      'prunegate/right/',
      'prunegate/wrong/',
      'prunegate/gone/',
    ]);
    expect(runs[2]!.results).toMatchObject([{ ruleId: 'prunegate/not-checked', level: 'error' }]);
  });

  it('has one run where GitHub would take no more runs', () => {
    const reports = Array.from({ length: 21 }, (_, k) => ({ ...wrong, model: `m${k}` }));
    const { runs } = sarifOf(makeReportSet('1.2.3', reports));
    expect(runs).toHaveLength(1);
    expect(runs[0]!.results).toHaveLength(21);
    expect(new Set(runs[0]!.results!.map(fingerprintOf)).size).toBe(21);
  });

  it('knows an alert again, whatever its numbers and its line', () => {
    const [finding] = wrong.findings;
    const moved = { ...finding!, title: 'conv1 kept the wrong 5', place: { ...finding!.place, line: 9 } };
    const again = resultsOf({ ...wrong, findings: [moved] });
    expect(again.map(fingerprintOf)).toEqual(resultsOf(wrong).map(fingerprintOf));
    const other = resultsOf({ ...wrong, findings: [{ ...finding!, layers: ['conv1'] }] });
    expect(other.map(fingerprintOf)).not.toEqual(resultsOf(wrong).map(fingerprintOf));
  });

  it('tells equal findings apart', () => {
    const results = resultsOf({ ...wrong, findings: [wrong.findings[0]!, wrong.findings[0]!] });
    expect(new Set(results.map(fingerprintOf)).size).toBe(2);
  });

  it.each([
    ['outside of the repository', '/etc/passwd'],
    ['above it', '../prune.yaml'],
    ['of none', null],
  ])('gives a finding %s the place of the others, or of prunegate.yml', (_, file) => {
    const [finding] = wrong.findings;
    const lost = { ...finding!, place: { ...finding!.place, file } };
    const uris = (report: Report): readonly unknown[] =>
      resultsOf(report).map(({ locations }) => locations![0]!.physicalLocation!.artifactLocation!.uri);
    expect(uris({ ...wrong, findings: [finding!, lost] })).toEqual(['specs/prune.yaml', 'specs/prune.yaml']);
    expect(uris({ ...wrong, findings: [lost], lints: [] })).toEqual(['prunegate.yml']);
  });

  it('warns where the gate does not fail', () => {
    expect(resultsOf({ ...wrong, conclusion: 'neutral' })[0]!.level).toBe('warning');
    const open = { ...wrong.findings[0]!, verdict: 'unverifiable' } as const;
    expect(resultsOf({ ...wrong, findings: [open] })[0]!.level).toBe('warning');
    expect(resultsOf({ ...wrong, verdict: 'unverifiable', findings: [open] })[0]!.level).toBe('error');
  });

  it('is never empty where the gate fails', () => {
    const layers = right.layers.map((layer) => ({ ...layer, verdict: 'ambiguous' as const }));
    expect(resultsOf({ ...right, layers, conclusion: 'failure' })).toMatchObject([{ ruleId: 'prunegate/ambiguous' }]);
  });

  it('is taken by the schema whatever names are in it, and shows no link of theirs', () => {
    for (const name of HOSTILE) {
      const [finding] = wrong.findings;
      const place = { ...finding!.place, file: `a/${name}`, layer: name };
      const report = { ...wrong, findings: [{ ...finding!, title: name, layers: [name], details: [name], place }] };
      const text = resultsOf(report)[0]!.message.text!;
      expect(text).not.toMatch(/[^\\]\]\(/);
      expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
    }
  });

  it('stays within what GitHub takes, and says what did not fit', () => {
    const details = Array.from({ length: 40 }, (_, k) => `${k} ${'😀'.repeat(400)}`);
    const findings = Array.from({ length: 30_000 }, (_, k) => ({ ...wrong.findings[0]!, details, layers: [`l${k}`] }));
    const text = renderSarif({ ...wrong, findings });
    expect(gzipSync(text).length).toBeLessThan(10_000_000);
    const { results = [] } = (JSON.parse(text) as Log).runs[0]!;
    expect(results.length).toBeLessThanOrEqual(5000);
    expect(results.at(-1)).toMatchObject({ ruleId: 'prunegate/more' });
    expect(results.at(-1)!.message.text).toContain(`${30_000 - results.length + 1} more findings`);
  });
});

function fingerprintOf({ partialFingerprints }: Result): string {
  return partialFingerprints!['primaryLocationLineHash']!;
}
