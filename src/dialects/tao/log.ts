import { type Reported, sorted } from '../reported.ts';

/** A numpy array as Python prints it, over several lines where it is long, with what stands before it on its line. */
const PRINTED_ARRAY = /^([^\r\n\u2028\u2029[\]]*)\[([\s\d,]*)\]\s*$/gm;
const NAME_CHARACTER = /[\w./-]/;

/**
 * Retained indices in a log of the pruner, which prints none by itself: users add a print after exploration
 * (`conv1: [ 3  4 ...]`, pruning.py about lines 728 and 738) or in `_get_retained_idx` (about line 313), which gives rows
 * without names.
 */
export function readTaoLog(text: string): Reported {
  const named = new Map<string, readonly number[]>();
  const rows: (readonly number[])[] = [];
  for (const [, before = '', printed = ''] of text.matchAll(PRINTED_ARRAY)) {
    const indices = sorted((printed.match(/\d+/g) ?? []).map(Number));
    if (indices.length === 0) continue;
    const layer = nameBefore(before);
    if (layer !== null) named.set(layer, indices);
    else if (before.trim() === '') rows.push(indices);
  }
  return { named, rows };
}

/** The layer's name in `...conv1: ` or `...conv1 = `, looked for from the end: a line may be one word of megabytes. */
function nameBefore(text: string): string | null {
  const marked = text.trimEnd();
  if (!/[:=]$/.test(marked.slice(-1))) return null;
  const rest = marked.slice(0, -1).trimEnd();
  let start = rest.length;
  while (start > 0 && NAME_CHARACTER.test(rest[start - 1]!)) start -= 1;
  return start === rest.length ? null : rest.slice(start);
}
