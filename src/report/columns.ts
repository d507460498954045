import Table from 'cli-table3';

/** Rows as columns of a terminal, two spaces apart. */
export function columns(rows: readonly (readonly string[])[], indent: string): string {
  const none = {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
    left: '',
    'left-mid': '',
    mid: '',
    'mid-mid': '',
    right: '',
    'right-mid': '',
    middle: '  ',
  };
  const grid = new Table({ chars: none, style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] } });
  for (const row of rows) grid.push([...row]);
  return grid
    .toString()
    .split('\n')
    .map((line) => `${indent}${line}`.trimEnd())
    .join('\n');
}
