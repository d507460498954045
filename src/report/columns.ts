import stringWidth from 'string-width';

const GAP = '  ';

/** Rows as columns of a terminal, two spaces apart. */
export function columns(rows: readonly (readonly string[])[], indent: string): string {
  const widths: number[] = [];
  const measured = rows.map((row) => row.map((text) => ({ text, width: stringWidth(text) })));
  for (const row of measured) for (const [k, { width }] of row.entries()) widths[k] = Math.max(widths[k] ?? 0, width);
  const line = (row: (typeof measured)[number]): string =>
    row.map(({ text, width }, k) => text + ' '.repeat(widths[k]! - width)).join(GAP);
  return measured.map((row) => `${indent}${line(row)}`.trimEnd()).join('\n');
}
