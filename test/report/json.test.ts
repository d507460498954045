import { expect, it } from 'vitest';
import { renderJson } from '../../src/report/json.ts';

const report = (model: string) => ({
  model,
  layers: [{ name: '\n  "reports": []', expected: [1, 2, -3], missing: [], sets: [[1], [2, 3]] }],
  reports: [],
  nothing: null,
});

it('has index lists on one line each, and all else as ever', () => {
  const text = renderJson(report('one'));
  expect(text).toContain('"expected": [1, 2, -3],');
  expect(JSON.parse(text)).toEqual(report('one'));
  expect(text.endsWith('}\n')).toBe(true);
});

it.each([0, 1, 3])('writes a set of %i as if it were written whole', (count) => {
  const reports = Array.from({ length: count }, (_, k) => report(`m${k}`));
  // Under another name they are nothing but a list.
  const whole = (set: object): string => renderJson(set).replace(/^ {2}"reportz"/m, '  "reports"');
  for (const place of ['first', 'last']) {
    const set = (name: string): object =>
      place === 'first' ? { [name]: reports, a: [1, 2] } : { a: { reports: [] }, b: '"reports": []', [name]: reports };
    expect(renderJson(set('reports'))).toBe(whole(set('reportz')));
  }
});
