/** Names longer than this are cut: a reader knows the layer by then, and ten of them must not fill a comment. */
const MAX_NAME = 200;

/**
 * Text from model files, paths and specs as markdown shows it literally: nothing in it may act as markdown, HTML, a mention, a
 * reference, a link, an emoji or the marker of a comment.
 */
export function escaped(text: string): string {
  return (
    text
      .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, ' ')
      .replace(/&/g, '&amp;')
      .replace(/</g, '&lt;')
      .replace(/>/g, '&gt;')
      .replace(/[\\`*_{}[\]|~$]/g, '\\$&')
      // GitHub links these in the rendered text, where a backslash is gone: @someone, #1, GH-1, https://, www., :emoji:
      .replace(/[@#]|\bGH-(?=\d)|:(?=\/\/)|\bwww(?=\.)|:(?=[\w+-]+:)/gi, '$&\u200b')
  );
}

/** The same for a name in a table or a heading, of bounded length. */
export function escapedName(name: string): string {
  return escaped(cutText(name, MAX_NAME));
}

/** At most so many UTF-16 units, the last of them an ellipsis where text was cut, and never half of a character. */
export function cutText(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const cut = text.slice(0, Math.max(limit - 1, 0));
  return `${/[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut}…`;
}
