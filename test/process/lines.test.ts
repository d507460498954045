import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitLines } from '../../src/process/lines.ts';
import { neutral } from '../../src/process/neutral.ts';
import { readStepLog } from '../support/runner.ts';

/** The lines shown for output that arrives in these chunks, a second apart. */
function shown(...chunks: readonly (string | Uint8Array)[]): string[] {
  const lines: string[] = [];
  let time = 0;
  const splitter = splitLines(
    (line) => lines.push(line),
    () => time,
  );
  for (const chunk of chunks) {
    splitter.write(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
    time += 1000;
  }
  splitter.end();
  return lines;
}

/** What the runner would obey of these lines. */
const obeyed = (lines: readonly string[]): string[] =>
  readStepLog(`${lines.join('\n')}\n`).obeyed.map(({ name }) => name);

describe('splitLines', () => {
  it('joins chunks, and ends lines as the runner does', () => {
    expect(shown('a', 'b\nc\r', '\nd\n\ne')).toEqual(['ab', 'c', 'd', '', 'e']);
    expect(shown('')).toEqual([]);
  });

  it('shows a line that is redrawn once a second, and its last state', () => {
    expect(shown('\r1%\r2%\r3%', '\r4%\r5%', '\n')).toEqual(['1%', '3%', '5%']);
    expect(shown('1%\r2%\r3%\r')).toEqual(['1%', '3%']);
    expect(shown('1%\r2%\r', '\nnext\r', '\n')).toEqual(['1%', '2%', 'next']);
  });

  it.each([
    '::error::x',
    ' \t::set-output name=a::b',
    '\u0085::error::x',
    '\u00a0\u3000::error::x',
    '\ufeff::error::x',
    '\u200b::error::x',
    '\u0000::error::x',
    '10%\r::add-mask::a',
    '\u001b[31m::error::x',
    '\u001b[2K::error::x',
    '\u001b]0;title\u0007::error::x',
    'text ##[add-mask]a',
    '##\u001b[2K[error]x',
    '##\u0008[error]x',
    '####[error]x',
    '::stop-commands::pwned',
    '::endgroup::',
  ])('shows a command and keeps the runner from obeying it: %j', (text) => {
    const lines = shown(`${text}\n`);
    expect(obeyed(lines)).toEqual([]);
    expect(lines.join('\n')).toMatch(/error|mask|output|stop-commands|endgroup/);
    // Not in the eyes of a culture that skips what cannot be seen, either.
    expect(obeyed(lines.map((line) => line.replace(/\p{C}/gu, '')))).toEqual([]);
  });

  it('keeps a command harmless wherever a long line is cut', () => {
    for (const text of ['::error::x', '##[error]x']) {
      for (let before = 8180; before <= 8192; before += 1)
        expect(obeyed(shown(`${'x'.repeat(before)}${text}\n`)), String(before)).toEqual([]);
    }
  });

  it('lets the runner obey nothing, whatever the bytes', () => {
    const words = [
      '::',
      'error',
      '::x',
      '##',
      '[error]',
      '\r',
      '\n',
      ' ',
      '\u0085',
      '\u001b[',
      '2K',
      'm',
      '\u001b]',
      '\u0007',
    ];
    const odd = ['\u0000', '\u0008', '\u00ad', '\u200b', '\u2028', '\u3000', '\ufeff', '\ud83d', '\ude00'];
    const text = fc.array(fc.constantFrom(...words, ...odd), { maxLength: 12 });
    fc.assert(
      fc.property(fc.array(text, { maxLength: 3 }), (chunks) => {
        expect(obeyed(shown(...chunks.map((chunk) => chunk.join(''))))).toEqual([]);
      }),
    );
    fc.assert(
      fc.property(text, (each) => {
        expect(obeyed(neutral(each.join('')).split(/[\r\n]/))).toEqual([]);
      }),
    );
  });

  it('keeps colours, and no other escape sequence or control character', () => {
    expect(
      shown('\u001b[1;31mred\u001b[0m \u001b[2J\u001b[10;1H\u001b]8;;http://x\u001b\\link\u001b(B\u001b=\n'),
    ).toEqual(['\u001b[1;31mred\u001b[0m link']);
    expect(shown('a\tb\u0000\u0007c\u009b31md\u202ee\n')).toEqual(['a\tb\ufffdc\ufffd31md\ufffde']);
    expect(shown('unfinished \u001b[3\nunfinished \u001b]0;x\n')).toEqual(['unfinished 3', 'unfinished 0;x']);
  });

  it("drops the backspaces with which Keras' progress bar takes itself back", () => {
    expect(shown(`1/2${'\b'.repeat(40)}\r2/2\n`)).toEqual(['1/2', '2/2']);
  });

  it('shows what is not UTF-8 as replacement characters, and characters across chunks whole', () => {
    expect(shown(Buffer.from([0x61, 0xff, 0xfe, 0x62, 0x0a]))).toEqual(['a\ufffd\ufffdb']);
    expect(shown(Buffer.from([0xe2, 0x82]), Buffer.from([0xac, 0x0a]))).toEqual(['€']);
    expect(shown(Buffer.from([0xe2, 0x82]))).toEqual(['\ufffd']);
  });

  it('cuts long lines into pieces, and no character in two', () => {
    const [first, second, ...rest] = shown('x'.repeat(10_000));
    expect([first?.length, second?.length, rest]).toEqual([8192, 1808, []]);
    for (const end of ['', '\n']) {
      const emoji = shown(`x${'\u{1f600}'.repeat(8000)}${end}`);
      expect(emoji.join('')).toBe(`x${'\u{1f600}'.repeat(8000)}`);
      expect(emoji.every((line) => !/\p{Surrogate}/u.test(line) && line.length <= 8192)).toBe(true);
    }
  });
});
