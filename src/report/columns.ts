import { stripVTControlCharacters } from 'node:util';
import { eastAsianWidth } from 'get-east-asian-width';

const GAP = '  ';

/** Rows as columns of a terminal, two spaces apart. */
export function columns(rows: readonly (readonly string[])[], indent: string): string {
  const widths: number[] = [];
  const measured = rows.map((row) => row.map((text) => ({ text, width: widthOf(text) })));
  for (const row of measured) for (const [k, { width }] of row.entries()) widths[k] = Math.max(widths[k] ?? 0, width);
  const line = (row: (typeof measured)[number]): string =>
    row.map(({ text, width }, k) => text + ' '.repeat(widths[k]! - width)).join(GAP);
  return measured.map((row) => `${indent}${line(row)}`.trimEnd()).join('\n');
}

/** The same under a heading, without the columns in which no row has anything. */
export function filledColumns(header: readonly string[], rows: readonly (readonly string[])[], indent: string): string {
  const filled = header.map((_, k) => rows.some((row) => row[k]?.trim() !== ''));
  const kept = (row: readonly string[]): readonly string[] => row.filter((_, k) => filled[k] || k === 0);
  return columns([header, ...rows].map(kept), indent);
}

/** Asks for a character to be shown as a picture, which takes two places. */
const AS_PICTURE = '\uFE0F';

/** Places that a text takes: marks go with the character that they belong to. Invisible characters are masked before (oneLine). */
export function widthOf(styled: string): number {
  const text = stripVTControlCharacters(styled);
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of new Intl.Segmenter().segment(text))
    width += segment.includes(AS_PICTURE) ? 2 : eastAsianWidth(segment.codePointAt(0)!);
  return width;
}
