import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import { FORMATS } from '../../src/config/table/outcome.ts';
import { check } from '../../src/pipeline/check.ts';
import { ANYBODY, makeReportSet, REPORT_FORMATS, type Report, writeReport } from '../../src/report/index.ts';

const example = join(import.meta.dirname, '../../examples/mobilenet-v2');
const work = mkdtempSync(join(tmpdir(), 'prunegate-formats-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

async function reportOf(model: string, pruned: string): Promise<Report> {
  const files = { dense: 'dense.onnx', pruned, spec: 'prune.yaml' };
  const [request] = loadRequests(settingsFromFlags(files), example);
  const { report } = await check(request!, { version: '1.2.3', isHashed: true, log() {} });
  return { ...report, model };
}

const right = await reportOf('right', 'pruned.onnx');
const wrong = await reportOf('wrong', 'pruned-naive.onnx');
const set = makeReportSet('1.2.3', [right, wrong], [{ model: 'gone', message: 'gone.onnx: does not exist' }]);

describe('every format', () => {
  it.each(FORMATS)(
    '%s ends its last line, of one model and of many, and is written under its own extension',
    (format) => {
      for (const result of [right, set]) expect(REPORT_FORMATS[format].render(result, ANYBODY)).toMatch(/[^\n]\n$/);
      const path = writeReport(wrong, work, format);
      expect(path).toBe(join(work, 'wrong', `report.${REPORT_FORMATS[format].extension}`));
      expect(readFileSync(path, 'utf8')).toBe(REPORT_FORMATS[format].render(wrong, ANYBODY));
    },
  );

  it('has a file of its own', () => {
    expect(readdirSync(join(work, 'wrong'))).toHaveLength(FORMATS.length);
  });
});

describe('the text of many models', () => {
  const text = REPORT_FORMATS.text.render(set, ANYBODY);

  it('has name and verdict of each, what is wrong with those that do not conform, and one verdict last', () => {
    expect(text).toMatch(/^ {4}right +conforms +14 of 14 layers match/m);
    expect(text).toMatch(/^ x {2}wrong +diverges +12 of 14 layers match/m);
    expect(text).toMatch(/^ \? {2}gone +not checked$/m);
    expect(text).toContain('\ngone\n  gone.onnx: does not exist\n');
    expect(text).toContain('conv1 and expanded_conv_depthwise kept the wrong 3 of 16 filters');
    expect(text.match(/^dense /gm)).toHaveLength(1);
    expect(text.trimEnd().split('\n').at(-1)).toBe('diverges: 1 of 3 models');
  });

  it('tells the first models whole and names the rest', () => {
    const many = makeReportSet(
      '1.2.3',
      Array.from({ length: 12 }, (_, k) => ({ ...wrong, model: `m${k}` })),
    );
    expect(REPORT_FORMATS.text.render(many, ANYBODY).match(/^dense /gm)).toHaveLength(8);
    expect(REPORT_FORMATS.text.render(many, { ...ANYBODY, all: true }).match(/^dense /gm)).toHaveLength(12);
  });
});

it('names the command that explains a layer only to who can run it', () => {
  const command = 'prunegate explain --dense d.onnx --spec s.yaml';
  const reader = { ...ANYBODY, explain: (model: string) => (model === 'wrong' ? command : null) };
  expect(REPORT_FORMATS.text.render(wrong, reader)).toContain(`${command} --layer conv1`);
  expect(REPORT_FORMATS.text.render(wrong, ANYBODY)).not.toContain('prunegate explain');
  for (const format of FORMATS) expect(REPORT_FORMATS[format].render(set, ANYBODY)).not.toContain('prunegate explain');
});
