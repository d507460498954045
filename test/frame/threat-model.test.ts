import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OBSTACLES } from '../../src/execution/types.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/threat-model.md'), 'utf8');
const promised = /^## What is promised$(.*?)^## /ms.exec(page)?.[1] ?? '';
const promises = promised
  .split(/^- /m)
  .slice(1)
  .map((text) => ({ title: text.split('\n', 1)[0]!, text: text.split(/^#/m, 1)[0]!.replace(/\s+/g, ' ') }));

/** The tests that a promise names: a link to the file, then the names in quotes up to the next link. */
function testsOf(text: string): { readonly file: string; readonly names: readonly string[] }[] {
  return [...text.matchAll(/\[(test\/[^\]]+)\]\(\.\.\/(\S+?)\)(.*?)(?=\[test\/|$)/g)].map(([, shown, file, rest]) => {
    expect(file).toBe(shown);
    return { file: file!, names: [...rest!.matchAll(/'([^']+)'|"([^"]+)"/g)].map(([, a, b]) => a ?? b!) };
  });
}

describe('docs/threat-model.md', () => {
  it('makes promises', () => {
    expect(promises.length).toBeGreaterThan(20);
  });

  it('says of every cause of a model that was not executed whose it is', () => {
    const rows = [...page.matchAll(/^\| `([a-z-]+)` \| (difference|machine|model) \|/gm)].map(([, code, whose]) => [
      code,
      whose,
    ]);
    expect(Object.fromEntries(rows)).toEqual(OBSTACLES);
  });

  it.each(promises)('names tests that there are: $title', ({ text }) => {
    const tests = testsOf(text);
    expect(tests.length).toBeGreaterThan(0);
    for (const { file, names } of tests) {
      expect(existsSync(join(root, file)), file).toBe(true);
      expect(names.length, file).toBeGreaterThan(0);
      const source = readFileSync(join(root, file), 'utf8');
      const titles = [...source.matchAll(/\(\s*(['"`])((?:\\.|(?!\1).)*)\1,\s*(?:async )?[({]/g)].map(
        ([, , title]) => title!,
      );
      for (const name of names)
        expect(
          titles.filter((title) => title.includes(name)),
          `${file}: ${name}`,
        ).not.toEqual([]);
    }
  });
});
