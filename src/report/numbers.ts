/** 30602 as 30,602. */
export function thousands(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** What became of a size: -84%. '' where there was nothing to begin with. */
export function percent(after: number, before: number): string {
  if (before === 0) return '';
  return after === before ? '±0%' : `${after < before ? '-' : '+'}${Math.abs(Math.round((1 - after / before) * 100))}%`;
}

/** A size as people say it: exact up to a million, then three digits and M, G or T. */
export function size(n: number): string {
  if (n < 1e6) return thousands(n);
  const [unit, letter] = n < 1e9 ? [1e6, 'M'] : n < 1e12 ? [1e9, 'G'] : [1e12, 'T'];
  return `${(n / unit).toPrecision(3).replace(/e\+.*/, '')} ${letter}`;
}
