import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkSync } from 'recheck';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const src = join(import.meta.dirname, '../../src');

/** What the checker does not know (look-around) and a reader has judged: each with why it takes no longer than its text. */
const JUDGED: ReadonlyMap<string, string> = new Map([
  ['process/lines.ts', 'one character, or a sequence of a terminal that begins with one'],
  ['process/neutral.ts', 'begins at a line, and passes over spaces alone'],
  ['prose/numbers.ts', 'the digits of one number'],
  ['report/escape.ts', 'one character or word, looked at from its beginning alone'],
]);

interface Literal {
  readonly file: string;
  readonly source: string;
  readonly flags: string;
}

function literalsIn(file: string): Literal[] {
  const text = readFileSync(join(src, file), 'utf8');
  const found: Literal[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) {
      const [, source = '', flags = ''] = /^\/(.*)\/([a-z]*)$/s.exec(node.text) ?? [];
      found.push({ file, source, flags });
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
  return found;
}

/** Repetitions of eight and more as endless ones, which take no less time, and are quicker to check. */
const unbounded = (source: string): string => source.replace(/\{[1-9]\d*,(?:[89]|\d{2,})?\}/g, '+');

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.ts') && !file.includes('.generated.'))
  .sort();

const literals = files.flatMap(literalsIn);

it('finds the regular expressions', () => expect(literals.length).toBeGreaterThan(50));

// A file may come from a pull request, and a log be one word of megabytes (CWE-1333).
// Each is a test of its own: the slowest takes the checker 3 s of a processor, all together 12.
describe('every regular expression takes time in proportion to its text', () => {
  it.each(literals.map((literal) => [`${literal.file}: /${literal.source}/${literal.flags}`, literal] as const))(
    '%s',
    { timeout: 120_000 },
    (_title, { file, source, flags }) => {
      process.env['RECHECK_SYNC_BACKEND'] = 'pure';
      const result = checkSync(unbounded(source), flags, { checker: 'automaton', timeout: null });
      if (result.status === 'unknown' && JUDGED.has(file)) return;
      expect(result).toMatchObject({ status: 'safe' });
    },
  );
});

it('what was judged is still there', () => {
  for (const file of JUDGED.keys()) expect(files).toContain(file);
});
