import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { validateXML } from 'xmllint-wasm';
import { makeReportSet, type Report } from '../../src/report/index.ts';
import { renderJUnit } from '../../src/report/junit.ts';
import { HOSTILE, right, wrong } from './reports.ts';

const xsd = readFileSync(join(import.meta.dirname, '../fixtures/formats/junit-10.xsd'), 'utf8');

/** The text, after libxml2 has read it and Jenkins's schema has taken it. */
async function junitOf(result: Parameters<typeof renderJUnit>[0]): Promise<string> {
  const xml = renderJUnit(result);
  const { valid, errors } = await validateXML({
    xml: [{ fileName: 'report.junit.xml', contents: xml }],
    schema: [xsd],
  });
  expect(errors).toEqual([]);
  expect(valid).toBe(true);
  return xml;
}

/** Suites and cases as a reader counts them. */
function read(xml: string) {
  const cases = [...xml.matchAll(/<testcase name="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g)];
  const having = (tag: string): string[] =>
    cases.filter(([, , body = '']) => body.includes(`<${tag}`)).map(([, name]) => name!);
  const counts = /<testsuites [^>]*tests="(\d+)" failures="(\d+)" errors="(\d+)"/.exec(xml)!.slice(1).map(Number);
  return {
    names: cases.map(([, name]) => name!),
    failures: having('failure'),
    errors: having('error'),
    skipped: having('skipped'),
    counts,
  };
}

describe('JUnit', () => {
  it('of a diverging model has a suite, a case for each layer, and a failure for each that diverges', async () => {
    const { names, failures, errors, counts } = read(await junitOf(wrong));
    expect(names).toEqual(wrong.layers.map(({ name }) => name));
    expect(failures).toEqual(['conv1', 'expanded_conv_depthwise']);
    expect(errors).toEqual([]);
    expect(counts).toEqual([14, 2, 0]);
  });

  it('is this file, of a diverging model', async () => {
    await expect(await junitOf(wrong)).toMatchFileSnapshot('../fixtures/formats/diverges.junit.xml');
  });

  it('of a conforming model has nothing that fails', async () => {
    expect(read(await junitOf(right))).toMatchObject({ failures: [], errors: [], skipped: [], counts: [14, 0, 0] });
  });

  it('has an error for what could not be verified: a skipped test would look fine', async () => {
    const layers = right.layers.map((layer, k) => (k === 0 ? { ...layer, verdict: 'unverifiable' as const } : layer));
    const report = { ...right, verdict: 'unverifiable', layers } as const;
    expect(read(await junitOf(report))).toMatchObject({ errors: ['conv1'], failures: [], skipped: [] });
  });

  it('has a case for a finding that no layer shows', async () => {
    const place = { file: 'prunegate.yml', line: 4, key: 'min-size-reduction', layer: null, filters: [] };
    const gate = {
      kind: 'gate',
      verdict: 'mismatch',
      title: 'too large',
      details: ['Why.'],
      layers: [],
      place,
    } as const;
    const ran = { ...gate, kind: 'execution', title: 'it differs', layers: ['conv1'] } as const;
    const { names, failures } = read(await junitOf({ ...right, verdict: 'diverges', findings: [gate, ran] }));
    expect(names).toHaveLength(16);
    expect(failures).toEqual(['gate: too large', 'execution: it differs']);
  });

  it('passes no ambiguous layer where fail-on names them, and says what it is where not', async () => {
    const layers = right.layers.map((layer, k) => (k === 0 ? { ...layer, verdict: 'ambiguous' as const } : layer));
    expect(read(await junitOf({ ...right, layers })).failures).toEqual([]);
    expect(renderJUnit({ ...right, layers })).toContain('<system-out>ambiguous: ');
    expect(read(await junitOf({ ...right, layers, conclusion: 'failure' })).failures).toEqual(['conv1']);
  });

  it('skips layers where nothing was compared', async () => {
    const layers = right.layers.map((layer) => ({ ...layer, verdict: null }));
    expect(read(await junitOf({ ...right, verdict: null, conclusion: null, layers })).skipped).toHaveLength(14);
  });

  it('has a suite for each model, and one that fails for a model that could not be checked', async () => {
    const xml = await junitOf(
      makeReportSet('1.2.3', [right, wrong], [{ model: 'gone', message: 'gone.onnx: does not exist' }]),
    );
    expect([...xml.matchAll(/<testsuite name="([^"]*)"/g)].map(([, name]) => name)).toEqual(['right', 'wrong', 'gone']);
    expect(read(xml)).toMatchObject({ errors: ['prunegate'], counts: [29, 2, 1] });
  });

  it('is read whatever names are in it', async () => {
    for (const name of HOSTILE) {
      const layers = wrong.layers.map((layer) => ({ ...layer, name: `${name}${layer.name}`, reason: name }));
      const findings = [{ ...wrong.findings[0]!, title: name, details: [name], layers: [layers[0]!.name, name] }];
      const report: Report = { ...wrong, model: name, specSummary: name, layers, findings };
      const xml = await junitOf(makeReportSet('1', [report], [{ model: name, message: name }]));
      expect(read(xml).failures).toContain(read(xml).names[0]);
    }
  });

  it('of a model whose thousands of layers have one cause is read, and tells it once', async () => {
    const layers = Array.from({ length: 5000 }, (_, k) => ({ ...wrong.layers[0]!, name: `layer${k}` }));
    const details = Array.from({ length: 100 }, () => 'detail of it');
    const finding = { ...wrong.findings[0]!, details, layers: layers.map(({ name }) => name) };
    const xml = await junitOf({ ...wrong, layers, findings: [finding] });
    expect(xml.match(/detail of it/g)!.length).toBeLessThan(50);
    expect(xml).toContain('more lines');
    expect(read(xml).counts).toEqual([5000, 5000, 0]);
  });
});
