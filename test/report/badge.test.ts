import { expect, it } from 'vitest';
import { renderBadge } from '../../src/report/badge.ts';
import { makeReportSet } from '../../src/report/index.ts';
import { right, wrong } from './reports.ts';

const badge = (result: Parameters<typeof renderBadge>[0]): unknown => JSON.parse(renderBadge(result));

it('a badge has the verdict in its colour, and only one that conforms is no error', () => {
  expect(badge(right)).toEqual({
    schemaVersion: 1,
    label: 'pruning',
    message: 'conforms',
    color: 'brightgreen',
    isError: false,
  });
  expect(badge(wrong)).toMatchObject({ message: 'diverges', color: 'red', isError: true });
  expect(badge({ ...right, verdict: 'unverifiable' })).toMatchObject({ message: 'unverifiable', isError: true });
  expect(badge({ ...right, verdict: null })).toMatchObject({ message: 'not checked', color: 'lightgrey' });
});

it('a badge of many models counts them, and those that could not be checked do not conform', () => {
  expect(badge(makeReportSet('1', [right, right]))).toMatchObject({ message: '2 models conform', isError: false });
  const set = makeReportSet('1', [right, wrong], [{ model: 'gone', message: 'gone.onnx: does not exist' }]);
  expect(badge(set)).toMatchObject({ message: '1 of 3 models conform', color: 'red' });
});
