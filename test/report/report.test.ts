import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import { check } from '../../src/pipeline/check.ts';
import { expect as expectModel } from '../../src/pipeline/expect.ts';
import { recover } from '../../src/pipeline/recover.ts';
import {
  ANYBODY,
  makeReportSet,
  REPORT_FORMATS,
  type Report,
  renderJson,
  writeReport,
} from '../../src/report/index.ts';

const example = join(import.meta.dirname, '../../examples/mobilenet-v2');
const work = mkdtempSync(join(tmpdir(), 'prunegate-report-'));
const schema = JSON.parse(readFileSync(join(import.meta.dirname, '../../schemas/report.schema.json'), 'utf8'));
const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(schema);

async function reportOf(pruned: string, command = check): Promise<Report> {
  const flags = {
    dense: join(example, 'dense.onnx'),
    ...(command === expectModel ? {} : { pruned: join(example, pruned) }),
    ...(command === recover ? {} : { spec: join(example, 'prune.yaml') }),
  };
  const [request] = loadRequests(settingsFromFlags(flags), work);
  return (await command(request!, { version: '1.2.3', isHashed: true, log() {} })).report;
}

const right = await reportOf('pruned.onnx');
const wrong = await reportOf('pruned-naive.onnx');
const expectedAlone = await reportOf('', expectModel);
const recoveredAlone = await reportOf('pruned.onnx', recover);

describe('report.json', () => {
  it.each([
    ['a conforming model', right],
    ['a diverging model', wrong],
    ['an expectation alone', expectedAlone],
    ['a recovery alone', recoveredAlone],
    ['several models', makeReportSet('1.2.3', [right, wrong])],
  ])('of %s is valid against its schema', (_, report) => {
    expect(validate(JSON.parse(renderJson(report))), JSON.stringify(validate.errors)).toBe(true);
  });

  it('is held by its schema: a verdict of another name is refused', async () => {
    expect(validate({ ...right, verdict: 'fine' })).toBe(false);
  });

  it('is the report itself, and keeps an index list on one line', async () => {
    const text = renderJson(wrong);
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(wrong)));
    expect(text).toContain('"missing": [3, 19, 22],');
  });

  it('does not take text for index lists', async () => {
    const report = { ...right, notes: ['[ 1,  2 ]', '[\n1\n]'] };
    expect(JSON.parse(renderJson(report)).notes).toEqual(report.notes);
  });

  it('counts what the models cost', async () => {
    expect(right.totals).toEqual({
      layers: 14,
      match: 14,
      mismatch: 0,
      ambiguous: 0,
      unverifiable: 0,
      filters: { dense: 1002, retained: 250 },
      parameters: { dense: 30602, pruned: 4842 },
      macs: right.totals.macs,
      bytes: { dense: 149498, pruned: 46419 },
    });
    expect(right.totals.macs.dense).toBeGreaterThan(right.totals.macs.pruned!);
  });

  it('has the worst verdict of several models', async () => {
    expect(makeReportSet('1', [right, wrong]).verdict).toBe('diverges');
    expect(makeReportSet('1', [right, { ...right, verdict: 'unverifiable', conclusion: 'failure' }])).toMatchObject({
      verdict: 'unverifiable',
      conclusion: 'failure',
    });
    expect(makeReportSet('1', [right, right]).verdict).toBe('conforms');
  });

  it('is written whole: under a temporary name, then renamed, and nothing is left beside it', async () => {
    const path = writeReport({ ...right, model: 'a' }, join(work, 'out'));
    expect(JSON.parse(readFileSync(path, 'utf8')).verdict).toBe('conforms');
    expect(readdirSync(join(work, 'out/a'))).toEqual(['report.json']);
    writeFileSync(join(work, 'file'), '');
    expect(() => writeReport(right, join(work, 'file'))).toThrow(/cannot be written/);
    expect(existsSync(join(work, 'file/model'))).toBe(false);
  });
});

const textOf = (report: Report, all: boolean): string => REPORT_FORMATS.text.render(report, { ...ANYBODY, all });

describe('text', () => {
  it('is short when nothing is wrong', async () => {
    const lines = textOf(right, false).trimEnd().split('\n');
    expect(lines.filter((line) => line !== '' && !line.startsWith('spec: '))).toHaveLength(4);
    expect(lines.at(-1)).toBe('conforms: 14 layers keep the filters that the spec asks for');
  });

  it('shows diverging layers first, and all of them when asked', async () => {
    const text = textOf(wrong, false);
    expect(text).toContain(
      '  x  conv1                    16 of 32  threshold, after union  A      missing 3, 19, 22; unexpected 0, 15, 27\n',
    );
    // Who reads a log cannot ask again.
    expect(text).toContain('... 8 more match (the JSON report has them)');
    const asking = { ...ANYBODY, explain: () => 'prunegate explain' };
    expect(REPORT_FORMATS.text.render(wrong, asking)).toContain('... 8 more match (--all shows them)');
    expect(textOf(wrong, true)).toContain('predictions');
  });

  it('cannot be made to print control characters by names in the model', async () => {
    const hostile = { ...wrong, findings: [{ ...wrong.findings[0]!, title: '\u001b[31mred\n::error::x' }] };
    const text = textOf(hostile, false);
    expect(text).not.toContain('\u001b');
    expect(text).toContain('\\u001b[31mred\\u000a::error::x');
  });
});
