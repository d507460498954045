/**
 * A share in percent: `12.5%`.
 * @param digits significant ones, at most
 */
export function percent(share: number, digits = 3): string {
  return `${Number((100 * share).toPrecision(digits))}%`;
}

/** Whole percents, rounded down: 99.99% is not all. */
export function percentDown(share: number): string {
  return `${Math.floor(100 * share)}%`;
}

/** 30602 as 30,602. */
export function thousands(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** What became of a size: -84%. '' where there was nothing to begin with. */
export function percentChange(after: number, before: number): string {
  if (before === 0) return '';
  return after === before ? '±0%' : `${after < before ? '-' : '+'}${Math.abs(Math.round((1 - after / before) * 100))}%`;
}

/** What a number was and is: `1,002 → 250 (-75%)`. */
export function change(before: number, after: number, shown: (n: number) => string): string {
  const by = percentChange(after, before);
  return `${shown(before)} → ${shown(after)}${by === '' ? '' : ` (${by})`}`;
}

const UNITS = ['M', 'G', 'T'];

/** A size as people say it: exact up to a million, then three digits and M, G or T. */
export function size(n: number): string {
  if (n < 1e6) return thousands(n);
  const rounded = Number(n.toPrecision(3));
  const k = Math.min(Math.floor(Math.log10(rounded) / 3) - 2, UNITS.length - 1);
  const value = rounded / 1000 ** (k + 2);
  return `${value < 1000 ? value.toPrecision(3) : thousands(value)} ${UNITS[k]}`;
}

/** `0.4 s`, `12 s`, `3 min 5 s`, `1 h 2 min`. */
export function duration(ms: number): string {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A measurement in three digits. */
export function rounded(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** A norm in three decimals; in three digits where it is smaller than they show. */
export function normText(value: number): string {
  return value !== 0 && Math.abs(value) < 0.001 ? value.toPrecision(3) : value.toFixed(3);
}

/** How far a norm lies above a cut, with its sign: `+0.320`, `-0.020`. */
export function marginText(margin: number): string {
  return `${margin > 0 ? '+' : ''}${normText(margin)}`;
}

/** A score in four digits, with an exponent where it is very small or large. */
export function scoreText(value: number): string {
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(3) : value.toPrecision(4);
}
