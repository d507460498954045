import fc from 'fast-check';
import { micromark } from 'micromark';
import { gfm, gfmHtml } from 'micromark-extension-gfm';
import { describe, expect, it } from 'vitest';
import { oneLine } from '../../src/errors/input-error.ts';
import { cutText, escaped, escapedName } from '../../src/report/escape.ts';

/** Pieces that GitHub or a terminal acts on, and what stands beside them. */
const PIECES = [
  ...[
    '@',
    '@org/team',
    '#',
    '#12',
    'GH-12',
    'octo/pruned#1',
    'http://',
    'https://a.b',
    'ftp://a',
    'www.',
    'www.a.b',
    'a@b.co',
  ],
  ...[
    'mailto:a@b.co',
    'xmpp:a@b',
    ':tada:',
    ':heart_eyes:',
    ':+1:',
    'deadbeef',
    '0123456789abcdef0123456789abcdef01234567',
  ],
  ...[
    '<',
    '>',
    '<b>',
    '</details>',
    '<!--',
    '-->',
    '<?',
    '<![CDATA[',
    '&',
    '&amp;',
    '&#64;',
    '&commat;',
    '\\',
    '`',
    '``',
    '```',
  ],
  ...[
    '|',
    '||',
    '*',
    '**',
    '_',
    '__',
    '~',
    '~~',
    '$',
    '$$',
    '[',
    ']',
    '(',
    ')',
    '![',
    '](x)',
    '[^1]',
    '[^1]:',
    '[x]',
    '[ ]',
  ],
  ...['-', '---', '===', '+', '1.', '2)', '#'.repeat(6), '>', ':--', '--|--', ' ', '    ', '\t', '\n', '\r\n', '\n\n'],
  ...[
    '\u0000',
    '\u001b[31m',
    '\u0085',
    '\u2028',
    '\u202e',
    '\u2066',
    '\u200e',
    '\u200f',
    '\u061c',
    '\u200b',
    '\u200d',
    '\ufeff',
  ],
  ...[
    '\u00ad',
    '\u034f',
    '\u115f',
    '\u3164',
    '\ufe0f',
    '\ud800',
    '\udc00',
    '\u{e0001}',
    '\u{e0041}',
    '\u{e0100}',
    '\u2800',
  ],
  ...['conv1', 'a', 'Z', '0', '/', '.', '漢', '😀', 'é'],
];
const hostile = fc.oneof(
  fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((pieces) => pieces.join('')),
  fc.string({ unit: 'binary', maxLength: 40 }),
);

/** The text as it is meant to be read. */
const readable = (text: string): string => oneLine(text.replace(/[\r\n\t]+/g, ' '));

/** The places in which text of a model stands, as markdown and as the HTML that it must come to. */
const PLACES: readonly [string, (text: string) => string, RegExp][] = [
  ['a paragraph', (text) => `x\n\n${text}`, /^<p>x<\/p>\n(?:<p>([^<>]*)<\/p>)?$/],
  ['a heading', (text) => `### ✅ prunegate: ${text} conforms`, /^<h3>✅ prunegate: ([^<>]*) conforms<\/h3>$/],
  ['a list', (text) => `- ${text}\n- b`, /^<ul>\n<li>([^<>]*)<\/li>\n<li>b<\/li>\n<\/ul>$/],
  ['a quotation', (text) => `> ${text}`, /^<blockquote>\n(?:<p>([^<>]*)<\/p>\n)?<\/blockquote>$/],
  ['bold text', (text) => `**a${text}b**`, /^<p><strong>a([^<>]*)b<\/strong><\/p>$/],
  ['the text of a link', (text) => `[a${text}b](https://x.y)`, /^<p><a href="https:\/\/x.y">a([^<>]*)b<\/a><\/p>$/],
  [
    'a table',
    (text) => `| a | b |\n| :-- | :-- |\n| ${text} | c |`,
    /<tbody>\n<tr>\n<td align="left">([^<>]*)<\/td>\n<td align="left">c<\/td>\n<\/tr>\n<\/tbody>\n<\/table>$/,
  ],
];

const decoded = (html: string): string =>
  html.replace(/&(amp|lt|gt|quot);/g, (_, name) => ({ amp: '&', lt: '<', gt: '>', quot: '"' })[name as 'amp']);
const plain = (text: string): string => text.replaceAll('\u200b', '').replace(/ +/g, ' ').trim();

describe('escaped text', () => {
  it.each(PLACES)('is read as it is, and as nothing else, in %s', (_, place, html) => {
    fc.assert(
      fc.property(hostile, (text) => {
        const rendered = micromark(place(escaped(text)), {
          extensions: [gfm()],
          htmlExtensions: [gfmHtml()],
          allowDangerousHtml: true,
        });
        expect(rendered).toMatch(html);
        expect(plain(decoded(html.exec(rendered)?.[1] ?? ''))).toBe(plain(readable(text)));
      }),
      { numRuns: 1500 },
    );
  });

  /** GitHub's own, over the text that markdown has become. */
  it('names nobody, refers to nothing, links nowhere and becomes no picture', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const rendered = decoded(escaped(text).replace(/\\([!-/:-@[-`{-~])/g, '$1'));
        expect(rendered).not.toMatch(/@[\w-]|#\d|\bGH-\d|:\/\/|\bwww\.|:[\w+-]+:/i);
        expect(rendered).not.toMatch(/(?<!\w)[0-9a-f]{7,40}(?!\w)/i);
        expect(rendered.replaceAll('\u200b', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{DI}]/u);
      }),
      { numRuns: 5000 },
    );
  });

  it('stays within its limit as it is shown, and no character is cut in two', () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 1, max: 60 }), (text, limit) => {
        const shown = decoded(escaped(text, limit).replace(/\\([!-/:-@[-`{-~])/g, '$1')).replaceAll('\u200b', '');
        expect(shown.length).toBeLessThanOrEqual(limit);
        expect(shown).not.toMatch(/\p{Cs}/u);
      }),
    );
    expect(escapedName('\u202e'.repeat(1000)).length).toBeLessThan(500);
    expect(cutText('😀😀', 3)).toBe('😀…');
  });

  it('keeps ordinary names readable', () => {
    for (const name of ['conv1', 'expanded-conv/depthwise:0', 'Größe 漢字', 'face', 'decade', 'v1.2'])
      expect(escaped(name)).toBe(name);
    expect(escaped('block_1/expand:0')).toBe('block\\_1/expand:0');
  });
});

describe('a line', () => {
  it('shows every character that nobody would see by its number', () => {
    expect(oneLine('a\u200eb\u{e0041}c\nd\ud800')).toBe('a\\u200eb\\u{e0041}c\\u000ad\\ud800');
    fc.assert(
      fc.property(hostile, (text) => {
        expect(oneLine(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{DI}]/u);
        expect(oneLine(oneLine(text))).toBe(oneLine(text));
      }),
    );
  });
});
