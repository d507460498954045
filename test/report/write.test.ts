import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import { recover } from '../../src/pipeline/recover.ts';
import { ANYBODY, makeReportSet, writePages } from '../../src/report/index.ts';

const example = join(import.meta.dirname, '../../examples/mobilenet-v2');
const [request] = loadRequests(settingsFromFlags({ dense: 'dense.onnx', pruned: 'pruned.onnx' }), example);
const { report } = await recover(request!, { version: '1.2.3', isHashed: false, log() {} });
const named = (model: string) => ({ ...report, model });

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'prunegate-pages-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
});

it('one model has one page', () => {
  expect(writePages(makeReportSet('1.2.3', [named('a')]), folder, ANYBODY)).toBe(join(folder, 'a/report.html'));
  expect(existsSync(join(folder, 'report.html'))).toBe(false);
});

it('several models have one each, and one of all', () => {
  const page = writePages(makeReportSet('1.2.3', [named('a'), named('b')]), folder, ANYBODY);
  expect(page).toBe(join(folder, 'report.html'));
  expect(readFileSync(page!, 'utf8')).toContain('<title>2 models');
  expect(readFileSync(join(folder, 'b/report.html'), 'utf8')).toContain('<title>b:');
});

it('what could not be checked is in the page of all, though one model alone could', () => {
  const set = makeReportSet('1.2.3', [named('a')], [{ model: 'gone', message: 'does not exist' }]);
  expect(writePages(set, folder, ANYBODY)).toBe(join(folder, 'report.html'));
});

it('where no model could be checked nothing is written, because the folder may be what was refused', () => {
  const gone = ['a', 'b'].map((model) => ({ model, message: 'lies outside of the workspace' }));
  expect(writePages(makeReportSet('1.2.3', [], gone), folder, ANYBODY)).toBeNull();
  expect(readdirSync(folder)).toEqual([]);
});
