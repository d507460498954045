const CELLS = 8;

/** A share as a bar that GitHub and terminals show alike. Some is never none, and not all is never all. */
export function bar(part: number, whole: number): string {
  const most = part < whole ? CELLS - 1 : CELLS;
  const filled = part <= 0 || whole <= 0 ? 0 : Math.min(Math.max(Math.round((CELLS * part) / whole), 1), most);
  return '█'.repeat(filled) + '░'.repeat(CELLS - filled);
}
