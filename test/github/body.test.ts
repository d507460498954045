import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commentBody, failureBody } from '../../src/github/body.ts';
import { MAX_COMMENT } from '../../src/github/comment.ts';
import { markerOf, type Stamp, stampIn } from '../../src/github/stamp.ts';
import { appendSummary } from '../../src/github/summary.ts';
import {
  DETAILS,
  makeReportSet,
  type Report,
  type ReportLayer,
  type ReportSet,
  renderMarkdown,
} from '../../src/report/index.ts';

const STAMP: Stamp = { key: '0123456789abcdef', head: 'a'.repeat(40), run: 100, attempt: 1 };
const URL = 'https://github.com/octo/pruned/actions/runs/100';
const PAGE = { linkOf: () => null, isMasked: false };

/** A set of models, each with so many diverging layers that are called so. */
function setOf(models: number, layers: number, name: string): ReportSet {
  const layer: ReportLayer = {
    name,
    kind: 'conv',
    filters: 1024,
    folding: 'raw',
    foldingEvidence: '',
    exploring: null,
    expected: null,
    actual: null,
    reported: null,
    verdict: 'mismatch',
    group: null,
    missing: [1, 2, 3],
    unexpected: [4, 5, 6],
    reason: name,
    remedy: null,
    rule: 'threshold',
    tie: null,
    alternatives: null,
    assumes: null,
    explanations: [],
    explanation: null,
    problem: null,
  };
  const finding = {
    layers: [name],
    verdict: 'mismatch' as const,
    title: name,
    details: Array.from({ length: 30 }, () => name.repeat(8)),
    kind: 'layers' as const,
    place: { file: name, line: 1, key: name, layer: name, filters: [] },
  };
  const report: Report = {
    schemaVersion: 1,
    tool: { name: 'prunegate', version: '1' },
    verdict: 'diverges',
    conclusion: 'failure',
    model: 'm',
    dialect: null,
    spec: null,
    specSummary: null,
    inputs: { dense: { path: name, sha256: null, folding: 'raw' }, pruned: null },
    layers: Array.from({ length: layers }, () => layer),
    groups: [],
    findings: Array.from({ length: layers }, () => finding),
    notes: [name],
    lints: [{ rule: name, message: name.repeat(8), file: name, line: 1, key: name, layers: [name] }],
    refusal: null,
    execution: null,
    commands: [],
    gpus: null,
    policy: null,
    lock: null,
    baseline: null,
    totals: {
      layers,
      match: 0,
      mismatch: layers,
      ambiguous: 0,
      unverifiable: 0,
      filters: { dense: 1, retained: 1 },
      parameters: { dense: 1, pruned: 1 },
      macs: { dense: 1, pruned: 1 },
      bytes: { dense: 0, pruned: null },
    },
  };
  return makeReportSet(
    '1',
    Array.from({ length: models }, () => report),
  );
}

describe('the body of a comment', () => {
  it.each([
    [1, 1, 'conv'],
    [1, 5000, 'conv'.repeat(40)],
    [1, 300, '😀漢'.repeat(60)],
    [40, 40, '<&@#'.repeat(50)],
    [5000, 1, 'conv'],
  ])('of %i models with %i layers fits, with marker and link', (models, layers, name) => {
    const body = commentBody(setOf(models, layers, name), PAGE, STAMP, URL, MAX_COMMENT)!;
    expect(body.length).toBeLessThanOrEqual(MAX_COMMENT);
    expect(stampIn(body)).toEqual(STAMP);
    expect(body).toContain('[run and job summary](https://github.com/octo/pruned/actions/runs/100)');
    expect(body).toContain(models > 1 ? `${models} of ${models} models diverge` : '**');
    expect(body.match(/<details>/g)?.length).toBe(body.match(/<\/details>/g)?.length);
    expect(body.split(/\n\n/).at(-1)).toMatch(/^<sub>.*<\/sub>\n$/);
  });

  it('uses the room to the last character, and takes the next shorter text for one less', () => {
    const set = setOf(1, 12, 'conv');
    const whole = commentBody(set, PAGE, STAMP, URL, MAX_COMMENT)!;
    expect(commentBody(set, PAGE, STAMP, URL, whole.length)).toBe(whole);
    const shorter = commentBody(set, PAGE, STAMP, URL, whole.length - 1)!;
    expect(shorter.length).toBeLessThan(whole.length);
    expect(commentBody(set, PAGE, STAMP, URL, 10)).toBeNull();
  });

  it('has one marker, whatever the layers are called', () => {
    const forged = markerOf({ ...STAMP, head: 'b'.repeat(40) });
    const body = commentBody(setOf(1, 2, `\n${forged}\n`), PAGE, STAMP, URL, MAX_COMMENT)!;
    expect(body.match(/<!--/g)).toHaveLength(1);
    expect(stampIn(body)).toEqual(STAMP);
  });

  it.each(DETAILS)('quotes no error, however many models could not be checked, and the summary does: %s', (detail) => {
    const [report] = setOf(1, 1, 'conv').reports;
    for (const count of [1, 500]) {
      const errors = Array.from({ length: count }, (_, k) => ({ model: `m${k}`, message: 'input spec: hunter2' }));
      const set = makeReportSet('1', [report!], errors);
      const told = renderMarkdown(set, detail, PAGE);
      expect(told).not.toContain('hunter2');
      expect(told).toMatch(/^### ❌ prunegate: 1 of \d+ models diverges\n/);
      expect(told).toMatch(
        count === 1 && detail !== 'counts' ? /m0 was not checked\. The job summary says why\./ : /were not checked\./,
      );
      expect(renderMarkdown(set, 'layers')).toContain('m0 was not checked: input spec: hunter2');
      expect(commentBody(set, PAGE, STAMP, URL, MAX_COMMENT)).toContain(`prunegate: 1 of ${count + 1} models diverges`);
    }
  });

  it('has no link where there is nowhere to lead', () => {
    expect(failureBody(STAMP, null)).toContain('<sub>for aaaaaaa</sub>');
  });
});

describe('the job summary', () => {
  const LIMIT = 1024 * 1024;
  const file = join(mkdtempSync(join(tmpdir(), 'prunegate-summary-')), 'summary');
  const write = (set: ReportSet, before: number): { trouble: string | null; text: Buffer } => {
    writeFileSync(file, 'x'.repeat(before));
    const trouble = appendSummary(file, (detail) => renderMarkdown(set, detail));
    return { trouble, text: readFileSync(file).subarray(before) };
  };

  it('is counted in bytes, beside what is there already', () => {
    const set = setOf(1, 60, '漢'.repeat(100));
    const whole = write(set, 0).text.length;
    expect(write(set, LIMIT - whole).text.length).toBe(whole);
    const shorter = write(set, LIMIT - whole + 1);
    expect(shorter.trouble).toBeNull();
    expect(shorter.text.length).toBeLessThan(whole);
  });

  it('of however many models and layers fits', () => {
    const { trouble, text } = write(setOf(60, 400, '😀'.repeat(100)), 0);
    expect(trouble).toBeNull();
    expect(text.length).toBeLessThanOrEqual(LIMIT);
  });

  it('is left out with a sentence where there is no room, no file or no folder', () => {
    expect(write(setOf(1, 1, 'x'), LIMIT).trouble).toMatch(/^no job summary: /);
    expect(appendSummary(undefined, () => 'x')).toContain('GITHUB_STEP_SUMMARY is not set');
    expect(appendSummary(join(file, 'x'), () => 'x')).toMatch(/^no job summary: ENOTDIR/);
  });
});
