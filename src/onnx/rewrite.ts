import { field, type Piece } from './pieces.ts';
import { more, position, type Window } from './window.ts';
import { enter, leave, readTag, skipField } from './wire.ts';

/**
 * What becomes of one field: pieces instead of it (none where it goes), or null where it is copied. Called with the field's
 * tag read; it leaves the window behind the field, or says that it did not look at it.
 */
export type FieldRewriter = (tag: number) => readonly Piece[] | null | 'unseen';

/** The fields of the open message after rewriting; null where nothing changed, so that the message is copied as it is. */
export function rewriteFields(window: Window, rewrite: FieldRewriter): Piece[] | null {
  const pieces: Piece[] = [];
  let isChanged = false;
  let copied = position(window);
  while (more(window)) {
    const start = position(window);
    const tag = readTag(window);
    const instead = rewrite(tag);
    if (instead === 'unseen') skipField(window, tag);
    if (instead === null || instead === 'unseen') continue;
    isChanged = true;
    if (start > copied) pieces.push({ kind: 'copy', offset: copied, length: start - copied });
    for (const piece of instead) pieces.push(piece);
    copied = position(window);
  }
  const end = position(window);
  if (end > copied) pieces.push({ kind: 'copy', offset: copied, length: end - copied });
  return isChanged ? pieces : null;
}

/**
 * Rewrites the next field, a message, by its fields.
 * @param appended what comes behind them
 */
export function rewriteMessage(
  window: Window,
  number: number,
  rewrite: FieldRewriter,
  appended: () => readonly Piece[] = () => [],
): readonly Piece[] | null {
  const outer = enter(window);
  const start = position(window);
  const content = rewriteFields(window, rewrite);
  leave(window, outer);
  const more = appended();
  if (content === null && more.length === 0) return null;
  const whole = content ?? [{ kind: 'copy', offset: start, length: position(window) - start }];
  return field(number, [...whole, ...more]);
}

/** Leaves a field out. */
export function dropped(window: Window, tag: number): readonly Piece[] {
  skipField(window, tag);
  return [];
}
