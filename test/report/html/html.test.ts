import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../../src/config/index.ts';
import { check } from '../../../src/pipeline/check.ts';
import { ANYBODY, makeReportSet, REPORT_FORMATS, type Report, type ReportSet } from '../../../src/report/index.ts';
import { unpack } from '../../../src/view/data/pack.ts';
import { FLAG, type PageData } from '../../../src/view/data/types.ts';

const example = join(import.meta.dirname, '../../../examples/mobilenet-v2');

async function checked(pruned: string, isPictured: boolean) {
  const files = { dense: 'dense.onnx', pruned, spec: 'prune.yaml' };
  const [request] = loadRequests(settingsFromFlags(files), example);
  return check(request!, { version: '1.2.3', isHashed: true, isPictured, log() {} });
}

function htmlOf(result: Report | ReportSet, numbers = ANYBODY.numbers): string {
  return REPORT_FORMATS.html.render(result, { ...ANYBODY, numbers });
}

function dataOf(html: string): PageData {
  const [, text] = /id="data">([^<]*)</.exec(html)!;
  return unpack(new Uint8Array(inflateRawSync(Buffer.from(text!, 'base64')))) as PageData;
}

const wrong = await checked('pruned-naive.onnx', true);
const html = htmlOf(wrong.report, () => wrong.numbers);

it('has for each filter which lists it stands in, and the values that decided', () => {
  const [model] = dataOf(html).models;
  const conv1 = model!.layers.find(({ name }) => name === 'conv1')!;
  const filtersOf = (flag: number) => [...conv1.flags.keys()].filter((k) => (conv1.flags[k]! & flag) !== 0);
  expect(filtersOf(FLAG.missing)).toEqual([3, 19, 22]);
  expect(filtersOf(FLAG.unexpected)).toEqual([0, 15, 27]);
  expect(filtersOf(FLAG.expected)).toEqual(wrong.report.layers[0]!.expected);
  expect(conv1.known & FLAG.reported).toBe(0);
  const { merged, members, cut, threshold, countRule } = conv1.numbers!;
  expect(members.map(({ name }) => name)).toEqual(['conv1', 'expanded_conv_depthwise']);
  expect([cut, threshold]).toEqual([Math.fround(0.68), 0.68]);
  expect(filtersOf(FLAG.expected)).toEqual([...merged.keys()].filter((k) => merged[k]! > cut!));
  expect(countRule).toMatchObject({ kind: 'above', value: 0.68, least: 16, multiple: 8 });
  expect(model!.groups[0]!.keptUnder.map(({ criterion }) => criterion)).toContain('intersection');
  expect(model!.findings[0]!.cause).toContain('was the model cut before exploration ended?');
});

it('has what was agreed of a layer where a lock says so, and nothing where it says nothing', () => {
  const [first, second, third] = wrong.report.layers;
  const difference = { layer: first!.name, agreed: [1, 2], now: first!.actual, filters: { agreed: 32, now: 32 } };
  const lock = {
    ...{
      file: 'prunegate.lock.json',
      isAgreed: true,
      changed: { spec: false, weights: false },
      strangers: [],
      base: null,
    },
    ...{ differences: [difference], open: [third!.name] },
  };
  const { layers } = dataOf(htmlOf({ ...wrong.report, lock })).models[0]!;
  const locked = (k: number) =>
    [...layers[k]!.flags.keys()].filter((at) => (layers[k]!.flags[at]! & FLAG.locked) !== 0);
  expect(locked(0)).toEqual([1, 2]);
  expect(locked(1)).toEqual(second!.actual);
  expect(layers[2]!.known & FLAG.locked).toBe(0);
  expect(dataOf(html).models[0]!.layers[0]!.known & FLAG.locked).toBe(0);
});

it('leads every layer to those that read it, past what only passes channels on', () => {
  const [model] = dataOf(html).models;
  const { nodes, edges } = model!.graph!;
  const name = (k: number) => model!.layers[nodes[k]!.layer ?? -1]?.name ?? nodes[k]!.label;
  const pairs = Array.from(
    { length: edges.length / 2 },
    (_, k) => `${name(edges[2 * k]!)} > ${name(edges[2 * k + 1]!)}`,
  );
  expect(pairs).toContain('conv1 > expanded_conv_depthwise');
  expect(pairs).toContain('expanded_conv_depthwise > expanded_conv_project');
  expect(new Set(nodes.flatMap(({ layer }) => layer ?? [])).size).toBe(model!.layers.length);
});

it('runs its own script and takes its own styles by their hashes, and asks for nothing', () => {
  const policy = /Content-Security-Policy" content="([^"]*)"/.exec(html)![1]!;
  const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  const script = /<script>([\s\S]*?)<\/script>/.exec(html)![1]!;
  const style = /<style>([\s\S]*?)<\/style>/.exec(html)![1]!;
  expect(policy).toBe(
    `default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; base-uri 'none'; form-action 'none'`,
  );
  expect(html).not.toMatch(/unsafe-|\ssrc=|<link|<img|<iframe|\son\w+=|\sstyle=/i);
});

it('holds names and texts of models nowhere but in its data, short and with nothing hidden in them', () => {
  const hostile = `</script><img src=x onerror=alert(1)>\u202e${'n'.repeat(1_000_000)}`;
  const [layer] = wrong.report.layers;
  const report: Report = {
    ...wrong.report,
    model: hostile,
    layers: [{ ...layer!, name: hostile, reason: hostile, rule: hostile }],
    notes: [hostile],
  };
  const page = htmlOf(report);
  expect(page.match(/<\/script>/g)).toHaveLength(2);
  expect(page).not.toContain('<img');
  expect(page).not.toContain('\u202e');
  expect(page.length).toBeLessThan(200_000);
  const [model] = dataOf(page).models;
  for (const text of [model!.name, model!.layers[0]!.name]) {
    expect(text).toContain('\\u202e');
    expect(text.length).toBeLessThanOrEqual(200);
  }
});

it('of a report that is read again it has no values, and of several models all and what was not checked', async () => {
  const { report, numbers } = await checked('pruned.onnx', false);
  expect(numbers).toBeNull();
  const set = makeReportSet(
    '1.2.3',
    [report, { ...wrong.report, model: 'wrong' }],
    [{ model: 'gone', message: 'no file' }],
  );
  const data = dataOf(htmlOf(set));
  expect(data.models.map(({ name, verdict }) => [name, verdict])).toEqual([
    ['model', 'conforms'],
    ['wrong', 'diverges'],
  ]);
  expect(data.models[0]!.layers.every((layer) => layer.numbers === null)).toBe(true);
  expect(data.errors).toEqual([{ model: 'gone', message: 'no file' }]);
});
