/** The error function, to about 1e-12: its power series near zero, a continued fraction of its complement further out. */
export function erf(x: number): number {
  const size = Math.abs(x);
  if (!(size < 6)) return Number.isNaN(x) ? x : Math.sign(x);
  if (size >= 2.5) return Math.sign(x) * (1 - (Math.exp(-size * size) / Math.sqrt(Math.PI)) * fraction(size));
  let term = x;
  let sum = x;
  for (let n = 1; n < 60; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

/** 1 / (x + (1/2) / (x + (2/2) / (x + (3/2) / (x + ...)))) */
function fraction(x: number): number {
  let value = x;
  for (let n = 60; n > 0; n--) value = x + n / 2 / value;
  return 1 / value;
}
