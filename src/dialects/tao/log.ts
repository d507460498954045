import { type Reported, sorted } from '../reported.ts';

/** A numpy array as Python prints it, over several lines where it is long, with what stands before it on its line. */
const PRINTED_ARRAY = /^([^\n[\]]*)\[([\s\d,]*)\]\s*$/gm;
const LAYER_NAME = /([\w./-]+)\s*[:=]\s*$/;

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
    const layer = LAYER_NAME.exec(before)?.[1];
    if (layer !== undefined) named.set(layer, indices);
    else if (before.trim() === '') rows.push(indices);
  }
  return { named, rows };
}
