import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import { answerOf } from '../../src/pipeline/answer.ts';
import { check } from '../../src/pipeline/check.ts';
import type { Checked } from '../../src/pipeline/checked.ts';

const example = join(import.meta.dirname, '../../examples/mobilenet-v2');
const json = settingsFromFlags({ format: 'json' });

async function checkedWith(pruned: string): Promise<Checked> {
  const [request] = loadRequests(settingsFromFlags({ dense: 'dense.onnx', pruned, spec: 'prune.yaml' }), example);
  return check(request!, { version: '1.2.3', isHashed: false, log() {} });
}

const right = await checkedWith('pruned.onnx');
const wrong = await checkedWith('pruned-naive.onnx');
const open: Checked = { ...right, exitCode: 3 };

it('the worst of all models is the exit status: a mistake, then a divergence, then what could not be checked', () => {
  const error = { model: 'gone', message: 'gone.onnx: does not exist' };
  const exit = (results: readonly Checked[], errors = [] as (typeof error)[]): number =>
    answerOf({ results, errors }, json, '1.2.3').exitCode;
  expect([exit([right]), exit([open]), exit([open, wrong, right]), exit([right, wrong], [error])]).toEqual([
    ...[0, 3],
    ...[1, 2],
  ]);
});

it('one model is its report, many or a mistake beside it are a set', () => {
  const keys = (results: readonly Checked[], errors: { model: string; message: string }[] = []): unknown =>
    Object.keys(JSON.parse(answerOf({ results, errors }, json, '1.2.3').text));
  expect(keys([right])).toContain('layers');
  expect(keys([right, wrong])).toContain('reports');
  expect(keys([right], [{ model: 'gone', message: 'gone.onnx: does not exist' }])).toContain('reports');
});
