import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import { specFromFile } from '../../src/config/spec.ts';
import { parseYaml } from '../../src/config/yaml.ts';
import { readSpec } from '../../src/dialects/index.ts';
import { check } from '../../src/pipeline/check.ts';
import { expect as expectModel } from '../../src/pipeline/expect.ts';
import { asking, judgeNetworks } from '../../src/pipeline/judge-networks.ts';
import { modelSize } from '../../src/pipeline/models.ts';
import { recover } from '../../src/pipeline/recover.ts';
import {
  ANYBODY,
  makeReport,
  makeReportSet,
  REPORT_FORMATS,
  type Report,
  renderJson,
  writeReport,
} from '../../src/report/index.ts';
import { networkOf } from '../support/golden.ts';

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

/** As many layers as one model may have, all of them one that keeps other filters than expected, with so many members of its group listed. */
function manyDiverging(count: number, members: number): Report {
  const spec = specFromFile(parseYaml(readFileSync(join(example, 'prune.yaml'), 'utf8'), 'prune.yaml'));
  const pruner = readSpec(spec, { file: null, line: null, key: 'spec' });
  const [dense, pruned] = ['dense.onnx', 'pruned-naive.onnx'].map((name) => networkOf(join(example, name)));
  const judged = judgeNetworks({ dense: dense!, pruned: pruned!, folded: null }, asking(pruner, dense!, null), {
    reported: null,
    tolerance: null,
    at: (key) => pruner.spec.at(key),
  }).retention;
  const layer = judged.layers.find(({ explanation }) => explanation !== null)!;
  const explanation = layer.explanation!;
  const listed = Array.from({ length: members }, () => explanation.members[0]!);
  const layers = Array.from({ length: count }, () => ({ ...layer, explanation: { ...explanation, members: listed } }));
  const sizes = { dense: modelSize(dense!), pruned: modelSize(pruned!) };
  const judgement = { ...judged, layers };
  return makeReport({
    version: '0',
    model: 'model',
    dense: dense!,
    pruned: pruned!,
    sizes,
    judgement,
    isHashed: false,
  });
}

describe.each([3, 64])('a report of 20,000 layers that diverge, %i members of a group beside each', (members) => {
  it('explains the first of them, in as much room as V8 has strings for', () => {
    const { layers } = manyDiverging(20_000, members);
    const explained = layers.filter(({ explanation }) => explanation !== null);
    const [text, without] = [layers[0], layers.at(-1)].map((layer) => renderJson({ layers: [layer] }).length);
    expect(layers.at(-1)!.explanation).toBeNull();
    expect(layers.at(-1)!.missing).toEqual(layers[0]!.missing);
    const tables = explained.length * (text! - without!);
    // What one layer takes is an estimate.
    expect(tables).toBeGreaterThan(2 ** 25);
    expect(tables).toBeLessThan(2 ** 27);
  });
});
