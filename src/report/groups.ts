import type { Report } from './report.ts';

/** A letter for each equalization group, by its id: A, B, ..., Z, AA. */
export function groupLetters(report: Report): ReadonlyMap<number, string> {
  return new Map(report.groups.map(({ id }, k) => [id, letter(k)]));
}

function letter(k: number): string {
  const last = String.fromCharCode(65 + (k % 26));
  return k < 26 ? last : `${letter(Math.floor(k / 26) - 1)}${last}`;
}
