import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { parseYaml, readYaml } from '../../src/config/index.ts';
import { InputError } from '../../src/errors/input-error.ts';
import { mistake, project } from './project.ts';

/** What the YAML library was asked for: times mean nothing on a machine that others use. */
const work = vi.hoisted(() => ({ tokens: 0, parses: 0 }));
vi.mock('yaml', async (importOriginal) => {
  const original = await importOriginal<typeof import('yaml')>();
  class Lexer extends original.Lexer {
    override *lex(...input: Parameters<InstanceType<typeof original.Lexer>['lex']>) {
      for (const token of super.lex(...input)) {
        work.tokens += 1;
        yield token;
      }
    }
  }
  const parseDocument = (...input: Parameters<typeof original.parseDocument>) => {
    work.parses += 1;
    return original.parseDocument(...input);
  };
  return { ...original, Lexer, parseDocument };
});
beforeEach(() => void Object.assign(work, { tokens: 0, parses: 0 }));

const parse = (text: string) => parseYaml(text, 'f.yaml');
const indented = (levels: number): string => Array.from({ length: levels }, (_, i) => `${' '.repeat(i)}a:`).join('\n');
const value = (text: string): unknown => JSON.parse(JSON.stringify(parse(text).value));

describe('values', () => {
  it('reads YAML 1.2 core scalars and JSON', () => {
    expect(value('a: 1e-3\nb: off\nc: False\nd: ~\ne: .5\nf: "x"\ng: [1, {h: 2}]')).toEqual({
      a: 0.001,
      b: 'off',
      c: false,
      d: null,
      e: 0.5,
      f: 'x',
      g: [1, { h: 2 }],
    });
    expect(value('{\n\t"a": {\n\t\t"b": 1.5e1\n\t}\n}')).toEqual({ a: { b: 15 } });
  });

  it.each(['%YAML 1.1\n---\n', ''])('does not take the YAML 1.1 booleans and octals (%j)', (directive) => {
    expect(value(`${directive}a: off\nb: yes\nc: 010\nd: 1_000\ne: -07`)).toEqual({
      a: 'off',
      b: 'yes',
      c: '010',
      d: '1_000',
      e: '-07',
    });
  });

  it('keeps how a scalar is spelled', () => {
    const file = parse('normalizer: off\nthreshold: 1e-3\nquoted: "no"\nlist: [0.10]\nempty:\n');
    expect(
      ['normalizer', 'threshold', 'quoted', 'list', 'empty', 'missing'].map((key) => file.sourceOf([key])),
    ).toEqual(['off', '1e-3', 'no', null, '', null]);
    expect(file.sourceOf(['list', 0])).toBe('0.10');
  });

  it('takes aliases and merge keys', () => {
    const text =
      'base: &base\n  x: 1\n  y: 2\none: *base\ntwo:\n  <<: *base\n  y: 3\nthree:\n  y: 4\n  <<: [*base, {z: 5, x: 6}]\n';
    expect(value(text)).toEqual({
      base: { x: 1, y: 2 },
      one: { x: 1, y: 2 },
      two: { x: 1, y: 3 },
      three: { x: 1, y: 4, z: 5 },
    });
    expect(parse(text).lineOf(['two', 'x'])).toBe(2);
    expect(value('"<<": 1')).toEqual({ '<<': 1 });
  });

  it('makes prototype keys plain keys', () => {
    const file = parse('__proto__: {polluted: 1}\nconstructor: 2\n');
    expect(Object.keys(file.value)).toEqual(['__proto__', 'constructor']);
    expect(file.value.polluted).toBeUndefined();
    expect(file.value.toString).toBeUndefined();
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('freezes what it read', () => {
    const file = parse('a: {b: [1]}');
    expect(() => Object.assign(file.value.a as object, { b: 2 })).toThrow(TypeError);
  });
});

describe('lines', () => {
  const text =
    '# a comment\n\nprune:\n  # another\n  threshold: 0.5\n  excluded_layers:\n    - a\n\n    - b: 1\n      c: 2\nmodels: [{name: x},\n  {name: y}]\nlong:\n  >\n  folded\nlast: 1\n';
  const expected: readonly (readonly [readonly (string | number)[], number])[] = [
    [[], 3],
    [['prune'], 3],
    [['prune', 'threshold'], 5],
    [['prune', 'excluded_layers', 0], 7],
    [['prune', 'excluded_layers', 1], 9],
    [['prune', 'excluded_layers', 1, 'c'], 10],
    [['models', 1], 12],
    [['models', 1, 'name'], 12],
    [['long'], 13],
    [['last'], 16],
    [['missing'], 3],
    [['prune', 'missing'], 3],
    [['prune', 'excluded_layers', 7, 'x'], 6],
    [['last', 'below', 'scalar'], 16],
  ];

  it.each([
    ['LF', text],
    ['CRLF', text.replaceAll('\n', '\r\n')],
    ['a BOM', `\ufeff${text}`],
    ['a BOM and CRLF', `\ufeff${text.replaceAll('\n', '\r\n')}`],
  ])('are those of the keys with %s', (_name, variant) => {
    const file = parse(variant);
    for (const [path, line] of expected) expect([path, file.lineOf(path)]).toEqual([path, line]);
  });

  it('are right in a file with a BOM on the disk', () => {
    project({ 'f.yaml': '\ufeffa: 1\r\nb: 2\r\n' });
    const file = readYaml('f.yaml');
    expect(file.value.a).toBe(1);
    expect(file.lineOf(['b'])).toBe(2);
  });
});

describe('mistakes', () => {
  it.each([
    ['a: 1\nb: 2\na: 3', 'f.yaml:3: a: is given twice, first on line 1'],
    ['a:\r\n  - b: 1\r\n    b: 2', 'f.yaml:3: a[0].b: is given twice, first on line 2'],
    ['{"a": 1, "a": 1}', 'f.yaml:1: a: is given twice, first on line 1'],
    [
      'a: !!python/object:os.system x',
      'f.yaml:1: a: has the tag !!python/object:os.system: tags are not supported, write the plain value',
    ],
    ['a: !!float 1', 'f.yaml:1: a: has the tag !!float: tags are not supported, write the plain value'],
    ['a: !secret {b: 1}', 'f.yaml:1: a: has the tag !secret: tags are not supported, write the plain value'],
    ['!!str a: 1', 'f.yaml:1: has a key with the tag !!str: tags are not supported'],
    ['a: !x!y 1', 'f.yaml:1: has a tag (Could not resolve tag: !x!y): tags are not supported, write the plain value'],
    ['a: &a [*a]', 'f.yaml:1: a[0]: the alias *a stands inside its own anchor'],
    ['a: *b', 'f.yaml:1: a: the alias *b has no anchor &b before it'],
    ['a: {<<: 3}', 'f.yaml:1: a.<<: must name a mapping to merge'],
    ['? [a]\n: b', 'f.yaml:1: has a key that is not plain text'],
    ['a: 1\n---\nb: 2', 'f.yaml:2: holds more than one YAML document (---): keep one'],
    ['', 'f.yaml: is empty'],
    ['\ufeff# only a comment\r\n', 'f.yaml: is empty'],
    ['---\n', 'f.yaml: is empty'],
    ['- a', 'f.yaml:1: must be a mapping of keys (found ["a"])'],
    ['\n\njust text', 'f.yaml:3: must be a mapping of keys (found "just text")'],
    ['null', 'f.yaml:1: must be a mapping of keys (found null)'],
    ['a: b: c', 'f.yaml:1: is not valid YAML: Nested mappings are not allowed in compact mappings'],
    ['a:\n\tb: 1', 'f.yaml:2: is not valid YAML: Tabs are not allowed as indentation'],
    [
      'a: [1,\n',
      'f.yaml:2: is not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
  ])('%j', (text, message) => {
    expect(mistake(() => parse(text))).toBe(message);
  });

  it('stops alias bombs', () => {
    const nines = (name: string) => Array(9).fill(`*${name}`).join(', ');
    const bomb = [
      'a: &a [x, x, x, x, x, x, x, x, x]',
      ...'bcdefg'.split('').map((name, i) => `${name}: &${name} [${nines('abcdef'[i] ?? '')}]`),
    ];
    expect(mistake(() => parse(bomb.join('\n')))).toBe(
      'f.yaml:5: e[0]: its aliases expand to more than 10000 values: write the values out',
    );
  });

  it.each([
    ['brackets', 'a: '.padEnd(1_000_000, '['), 'is nested deeper than 64 levels'],
    ['braces', '{a: '.repeat(200_000), 'is nested deeper than 64 levels'],
    ['dashes', '- '.repeat(500_000), 'is nested deeper than 64 levels'],
    ['keys', Array.from({ length: 150_000 }, (_, i) => `k${i}:`).join('\n'), 'more than 250000 YAML tokens'],
    ['commas', 'a: ['.padEnd(1_000_000, ','), 'more than 250000 YAML tokens'],
    ['closing brackets', 'a: '.padEnd(1_000_000, ']'), 'more than 250000 YAML tokens'],
    ['comments', '#\n'.repeat(500_000), 'more than 250000 YAML tokens'],
  ])(
    'refuses a mebibyte of %s before it is parsed, after as many tokens as any file may have',
    (_name, text, problem) => {
      expect(mistake(() => parse(text))).toContain(problem);
      expect(work.parses).toBe(0);
      expect(work.tokens).toBeLessThanOrEqual(250_001);
    },
  );

  it.each([
    ['100 levels', 100, 'is nested deeper than 64 levels'],
    ['so many levels that the parser may give up', 1400, 'nested'],
  ])('refuses indentation of %s', (_name, levels, problem) => {
    expect(mistake(() => parse(indented(levels)))).toContain(problem);
  });

  // Parsed without the parser's own search for keys that are given twice, which compares each with each: it would say so in its words.
  it('names a key that is given twice among many', () => {
    const text = Array.from({ length: 10_000 }, (_, i) => `k${i}: 1`).join('\n');
    expect(mistake(() => parse(`${text}\nk3: 2`))).toBe('f.yaml:10001: k3: is given twice, first on line 4');
  });

  it('names files that cannot be read', () => {
    project({
      'big.yaml': `a: ${'x'.repeat(1024 * 1024)}`,
      'latin1.yaml': new Uint8Array([0x61, 0x3a, 0x20, 0xe9]),
      'utf16.yaml': new Uint8Array([0xff, 0xfe, 0x61, 0x00]),
    });
    mkdirSync('folder');
    execFileSync('mkfifo', ['pipe']);
    expect(mistake(() => readYaml('nope.yaml'))).toBe('nope.yaml: does not exist');
    expect(mistake(() => readYaml('big.yaml/x'))).toBe(
      'big.yaml/x: does not exist: a part of its path is not a directory',
    );
    expect(mistake(() => readYaml('folder'))).toBe('folder: is a directory, not a file');
    expect(mistake(() => readYaml('pipe'))).toBe('pipe: is not a regular file');
    expect(mistake(() => readYaml('big.yaml'))).toBe(
      'big.yaml: has 1048579 bytes, more than the 1048576 that are read',
    );
    expect(mistake(() => readYaml('latin1.yaml'))).toBe('latin1.yaml: is not UTF-8 text');
    expect(mistake(() => readYaml('utf16.yaml'))).toBe('utf16.yaml: is not UTF-8 text');
    expect(mistake(() => readYaml('a\0b'))).toBe('a\\u0000b: has a NUL character in its path');
    const place = { file: 'prunegate.yml', line: 2, key: 'spec' };
    expect(mistake(() => readYaml('nope.yaml', place))).toBe(
      'prunegate.yml:2: spec: names nope.yaml, which does not exist',
    );
  });

  it('never throws anything but an InputError', () => {
    project();
    const soup = fc
      .array(
        fc.constantFrom(
          ...[
            'a',
            'b',
            ': ',
            ':',
            '- ',
            '-',
            '\n',
            '\n  ',
            '[',
            ']',
            '{',
            '}',
            ',',
            '&a ',
            '*a',
            '!',
            '!!str ',
            '<<',
            '"',
            "'",
            '|',
            '>',
            '? ',
            '#',
            ' ',
            '\t',
            '\r',
            '---\n',
            '...\n',
            '%',
            '@',
            '`',
            '\\',
            '0',
            '1.',
            'e5',
            '~',
            '__proto__',
            '\ufeff',
            '\u0000',
            '\u2028',
            '|9\n',
          ],
        ),
        { maxLength: 40 },
      )
      .map((parts) => parts.join(''));
    const check = (read: () => unknown) => {
      try {
        JSON.stringify(read());
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        if (/[\n\r\u0000]/.test(error.message)) throw new Error(`not one line: ${error.message}`);
      }
    };
    fc.assert(
      fc.property(soup, (text) => check(() => parse(text).value)),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => check(() => parse(text).value)),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        writeFileSync('random.yaml', bytes);
        check(() => readYaml('random.yaml').value);
      }),
      { numRuns: 300 },
    );
  }, 30_000);

  it('reads back whatever JSON says, at its lines', () => {
    const json = fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      fc.jsonValue({ noUnicodeString: false }),
    );
    fc.assert(
      fc.property(json, (data) => {
        const file = parse(JSON.stringify(data, null, 1));
        expect(JSON.parse(JSON.stringify(file.value))).toEqual(JSON.parse(JSON.stringify(data)));
        for (const key of Object.keys(data)) {
          const lines = JSON.stringify(data, null, 1).split('\n');
          expect(lines[(file.lineOf([key]) ?? 0) - 1]).toMatch(/^ "/);
        }
      }),
      { numRuns: 200 },
    );
  }, 30_000);
});
