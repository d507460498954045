import { percentChange, size, thousands } from '../prose/index.ts';

export function count(n: number): string {
  return size(n);
}

export function change(after: number, before: number): string {
  return percentChange(after, before).replace('-', '−');
}

export function bytesText(n: number): string {
  if (n < 1000) return `${n} B`;
  const units = ['kB', 'MB', 'GB'];
  let value = n / 1000;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${Number(value.toPrecision(3))} ${units[unit]}`;
}

export function filtersText(n: number): string {
  return `${thousands(n)} ${n === 1 ? 'filter' : 'filters'}`;
}
