import { oneLine } from '../errors/input-error.ts';

/** Names longer than this are cut: a reader knows the layer by then, and ten of them must not fill a comment. */
const MAX_NAME = 200;
/** A line of a terminal or a log. */
const MAX_LINE = 600;

/** GitHub links or replaces these in the rendered text, where a backslash is gone: @someone, #1, GH-1, https://, www., :emoji: */
const REFERENCES = /[@#]|\bGH-(?=\d)|:(?=\/\/)|www(?=\.)|:(?=[\w+-]+:)/gi;
/** Seven to forty digits that a commit may have for its name. */
const HASHES = /(?<!\w)[0-9a-f]{7,}(?!\w)/gi;
/** What begins a list, a heading's line or a table's where text stands first in a line. */
const BEGINNINGS = /^ ?(?:\d+(?=[.)])|(?=[-+=:]))/;

/**
 * Text from model files, paths and specs as markdown shows it literally: nothing in it may act as markdown, HTML, a mention, a reference, a commit, a
 * link, an emoji or the marker of a comment, and what is not seen is shown by its number.
 * @param limit UTF-16 units of the text as it is shown
 */
export function escaped(text: string, limit = Number.POSITIVE_INFINITY): string {
  return cutText(oneLine(text.replace(/[\r\n\t]+/g, ' ')), limit)
    .replace(/^ +/, ' ')
    .replace(REFERENCES, '$&\u200b')
    .replace(HASHES, (digits) => digits.replace(/.{6}(?=.)/g, '$&\u200b'))
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/[\\`*_{}[\]|~$]/g, '\\$&')
    .replace(BEGINNINGS, '$&\\');
}

/** The same for a name in a table or a heading, of bounded length. */
export function escapedName(name: string): string {
  return escaped(name, MAX_NAME);
}

/** A name as a terminal shows it in a table. */
export function shortName(name: string): string {
  return cutText(oneLine(name), MAX_NAME);
}

/** Text as a terminal shows it in a line, of which nobody reads more. */
export function shortLine(text: string): string {
  return cutText(oneLine(text), MAX_LINE);
}

/** At most so many UTF-16 units, the last of them an ellipsis where text was cut, and never half of a character. */
export function cutText(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const cut = text.slice(0, Math.max(limit - 1, 0));
  return `${/[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut}…`;
}
