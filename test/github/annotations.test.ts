import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import { readSpec } from '../../src/dialects/index.ts';
import { annotationsOf, printAnnotations } from '../../src/github/annotations.ts';
import { inWorkspace, reviewPlace } from '../../src/github/place.ts';
import { specPlaces } from '../../src/pipeline/places.ts';
import { type ModelError, makeReportSet, type Report } from '../../src/report/index.ts';
import type { Finding } from '../../src/verdict/index.ts';
import { type Annotation, readStepLog } from '../support/runner.ts';

const HALF_A_CHARACTER = /[\ud800-\udbff](?![\udc00-\udfff])/;

const finding = (title: string, details: readonly string[] = ['why'], file = 'specs/prune.yaml'): Finding => ({
  kind: 'layers',
  layers: [title],
  verdict: 'mismatch',
  title,
  details,
  place: { file, line: 6, key: 'prune.threshold', layer: title, filters: [] },
});

function report(model: string, findings: readonly Finding[], changes: Partial<Report> = {}): Report {
  return {
    schemaVersion: 1,
    tool: { name: 'prunegate', version: '1.2.3' },
    verdict: 'diverges',
    conclusion: 'failure',
    model,
    dialect: 'tao-tf2',
    spec: {},
    specSummary: null,
    inputs: { dense: { path: 'd', sha256: null, folding: 'raw' }, pruned: null },
    layers: [],
    groups: [],
    findings,
    notes: [],
    lints: [],
    refusal: null,
    execution: null,
    commands: [],
    gpus: null,
    policy: null,
    lock: null,
    baseline: null,
    totals: {
      layers: findings.length,
      match: 0,
      mismatch: findings.length,
      ambiguous: 0,
      unverifiable: 0,
      filters: { dense: 0, retained: 0 },
      parameters: { dense: 0, pruned: 0 },
      macs: { dense: null, pruned: null },
      bytes: { dense: 0, pruned: null },
    },
    ...changes,
  };
}

/** The annotations that reach the pull request, as the runner reads them from what is printed. */
function printed(
  reports: readonly Report[],
  errors: readonly ModelError[] = [],
): { kept: readonly Annotation[]; dropped: number } {
  let text = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  try {
    printAnnotations(annotationsOf(makeReportSet('1', reports, errors)));
  } finally {
    write.mockRestore();
  }
  const log = readStepLog(text);
  expect(log.obeyed).toHaveLength(log.annotations.length + log.dropped.length);
  return { kept: log.annotations, dropped: log.dropped.length };
}

afterEach(() => vi.restoreAllMocks());

describe('annotations', () => {
  it.each([
    [0, 0],
    [1, 2],
    [8, 9],
    [9, 10],
    [10, 10],
    [5000, 10],
  ])('of %i findings are %i, headline first, then the worst, none of which the runner drops', (count, expected) => {
    const findings = Array.from({ length: count }, (_, k) => finding(`layer ${k}`));
    const reports = [report('m', findings, count === 0 ? { verdict: 'conforms', conclusion: 'success' } : {})];
    const { kept, dropped } = printed(reports);
    expect(kept).toHaveLength(expected);
    expect(dropped).toBe(0);
    if (count === 0) return;
    expect(kept[0]).toMatchObject({ level: 'error', title: 'prunegate: m diverges', file: null });
    expect(kept[0]!.message).toBe(`${count} of ${count} layers diverge. The job summary has them all.`);
    expect(kept.slice(1).map(({ title }) => title)).toEqual(
      findings.slice(0, 9).map(({ title }) => `prunegate: ${title}`),
    );
    expect(kept[1]).toMatchObject({ file: 'specs/prune.yaml', line: 6, message: 'why' });
  });

  it('have their headline however many models could not be checked', () => {
    const errors = Array.from({ length: 500 }, (_, k) => ({
      model: `model-${k}`,
      message: `spec:\n${'x'.repeat(9000)}`,
    }));
    for (const reports of [[], [report('m', [finding('x')])]]) {
      const { kept, dropped } = printed(reports, errors);
      expect([kept.length, dropped]).toEqual([10, 0]);
      const count = 500 + reports.length;
      expect(kept[0]).toMatchObject({ level: 'error', title: `prunegate: ${count} of ${count} models do not pass` });
      expect(kept[0]!.message).toMatch(/model-0: not checked; .*; 49\d more\. The job summary has them all\.$/);
      expect(kept[1]).toMatchObject({ title: 'prunegate: model-0 was not checked', file: null });
      expect(kept[1]!.message.length).toBeLessThan(1000);
    }
    const few = printed([report('m', [finding('x')])], errors.slice(0, 1)).kept.map(({ title }) => title);
    expect(few).toEqual([
      'prunegate: 2 of 2 models do not pass',
      'prunegate: model-0 was not checked',
      'prunegate: m: x',
    ]);
  });

  it('of several models have one headline and the worst of each model before the second of any', () => {
    const { kept } = printed([
      report('a', [finding('a1'), finding('a2')]),
      report('b', [], { verdict: 'conforms', conclusion: 'success' }),
      report('c', [finding('c1')]),
    ]);
    expect(kept.map(({ title }) => title)).toEqual([
      'prunegate: 2 of 3 models do not pass',
      'prunegate: a: a1',
      'prunegate: c: c1',
      'prunegate: a: a2',
    ]);
    expect(kept[0]!.message).toContain('a: 2 of 2 layers diverge; c: 1 of 1 layers diverge');
  });

  it.each([
    ['a%b\r\nc', 'a%b\\u000d\\u000ac'],
    ['a:b,c::d', 'a:b,c::d'],
    ['::error::x ##[add-mask]y', '::error::x ##[add-mask]y'],
    ['\u001b[31mred', '\\u001b[31mred'],
    ['\u202egnp.exe', '\\u202egnp.exe'],
    ['nul\u0000nul', 'nul\\u0000nul'],
    ['left\u200eright\u{e0041}', 'left\\u200eright\\u{e0041}'],
  ])('of a layer named %j are one annotation each, with all of that text to be seen', (name, text) => {
    const { kept } = printed([report('m', [finding(name, [name, name], `${name}.yaml`)])]);
    expect(kept).toHaveLength(2);
    expect(kept[1]).toMatchObject({ title: `prunegate: ${text}`, message: `${text}\n${text}`, file: `${name}.yaml` });
  });

  it('stay within the limits of the runner and of checks, and no character is cut in two', () => {
    const { kept } = printed([report('m', [finding('😀'.repeat(5000), ['😀'.repeat(5000)])])]);
    expect(kept[1]!.title!.length).toBeLessThanOrEqual(255);
    expect(kept[1]!.message.length).toBeLessThanOrEqual(4096);
    for (const text of [kept[1]!.title!, kept[1]!.message]) {
      expect(text.endsWith('…')).toBe(true);
      expect(text).not.toMatch(HALF_A_CHARACTER);
    }
  });

  it('are warnings where the gate is not closed, and errors where a conforming model fails it', () => {
    expect(printed([report('m', [finding('x')], { conclusion: 'neutral' })]).kept.map(({ level }) => level)).toEqual([
      'warning',
      'warning',
    ]);
    const totals = { ...report('m', []).totals, layers: 3, mismatch: 0, ambiguous: 2 };
    const { kept } = printed([report('m', [], { verdict: 'conforms', conclusion: 'failure', totals })]);
    expect(kept).toMatchObject([{ level: 'error', message: expect.stringContaining('2 of 3 layers are ambiguous') }]);
  });

  it('name what failed where no layer did', () => {
    const totals = { ...report('m', []).totals, layers: 3, mismatch: 0 };
    const { kept } = printed([report('m', [finding('the pruned model is too slow')], { totals })]);
    expect(kept[0]!.message).toBe('the pruned model is too slow. The job summary has them all.');
  });

  it('have a message even where there are no details', () => {
    expect(printed([report('m', [finding('x', [])])]).kept[1]!.message).toBe('prunegate: x');
  });
});

describe('the place of an annotation', () => {
  const workspace = mkdtempSync(join(tmpdir(), 'prunegate-place-'));
  mkdirSync(join(workspace, 'specs'));
  const write = (file: string, text: string): string => {
    writeFileSync(join(workspace, file), text);
    return join(workspace, file);
  };
  const spec = write('specs/prune.yaml', 'prune:\n  threshold: 0.5\n  excluded_layers: [a]\n');
  const configured = (text: string, flags: Record<string, unknown> = {}) => {
    const config = write('prunegate.yml', text);
    return loadRequests(settingsFromFlags({ config, ...flags }), workspace)[0]!;
  };
  const at = (request: ReturnType<typeof configured>, key: string) => {
    const { spec: pruner } = readSpec(request.spec, request.at('spec'));
    const place = { ...specPlaces(pruner, workspace)(key), layer: null, filters: [] };
    return reviewPlace({ place });
  };

  it('is the line of the key that decided', () => {
    const request = configured('dense: d.onnx\npruned: p.onnx\nspec: specs/prune.yaml\n');
    expect(at(request, 'threshold')).toEqual({ file: 'specs/prune.yaml', line: 2 });
    expect(at(request, 'excluded_layers')).toEqual({ file: 'specs/prune.yaml', line: 3 });
  });

  it('is the section where the key is not given', () => {
    const request = configured('dense: d.onnx\npruned: p.onnx\nspec: specs/prune.yaml\n');
    expect(at(request, 'granularity')).toEqual({ file: 'specs/prune.yaml', line: 1 });
  });

  it('is in prunegate.yml where the spec stands there, or an override of it', () => {
    const inline = configured('dense: d.onnx\npruned: p.onnx\nspec:\n  threshold: 0.5\n');
    expect(at(inline, 'threshold')).toEqual({ file: 'prunegate.yml', line: 4 });
    const overridden = configured(
      'dense: d.onnx\npruned: p.onnx\nspec: specs/prune.yaml\noverrides:\n  - prune.threshold=0.6\n',
    );
    expect(at(overridden, 'threshold')).toEqual({ file: 'prunegate.yml', line: 5 });
  });

  it('is the spec where an input overrides it', () => {
    const request = configured('dense: d.onnx\npruned: p.onnx\n', { spec, overrides: ['prune.threshold=0.6'] });
    expect(at(request, 'threshold')).toEqual({ file: 'specs/prune.yaml', line: null });
  });

  it('is relative to the workspace, through a link to it, and nowhere outside', () => {
    const link = join(mkdtempSync(join(tmpdir(), 'prunegate-link-')), 'work');
    symlinkSync(workspace, link);
    expect(inWorkspace({ file: spec, line: 2 }, link)).toEqual({ file: 'specs/prune.yaml', line: 2 });
    expect(inWorkspace({ file: join(workspace, '..', 'x.yaml'), line: 2 }, workspace)).toEqual({
      file: null,
      line: null,
    });
    expect(inWorkspace({ file: `${workspace}-evil/x.yaml`, line: 2 }, workspace)).toEqual({ file: null, line: null });
    expect(inWorkspace({ file: join(workspace, '..x.yaml'), line: 2 }, workspace).file).toBe('..x.yaml');
  });
});
