/**
 * Whether a name fits a pattern whole: `*` stands for any text, `?` for one character. One pass with one place to come back to,
 * so that no pattern takes longer than its length times the name's.
 */
export function matches(pattern: string, name: string): boolean {
  let [p, n] = [0, 0];
  let back: { readonly star: number; name: number } | null = null;
  while (n < name.length) {
    if (pattern[p] === '*') {
      back = { star: p++, name: n };
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === name[n])) {
      p++;
      n++;
    } else if (back !== null) {
      p = back.star + 1;
      n = ++back.name;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}
