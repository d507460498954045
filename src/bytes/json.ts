import type { Refuse } from './source.ts';

/** What a JSON text may hold before it is parsed: an empty list costs two bytes of text and fifty of heap (CWE-770), and who walks values may recurse (CWE-674). */
export interface JsonLimits {
  /** Lists and mappings within one another. */
  readonly depth: number;
  /** Lists and mappings. */
  readonly containers: number;
  readonly keys: number;
}

/** What a JSON text holds. */
export interface JsonSize {
  readonly containers: number;
  /** Keys of mappings; one that is given twice counts twice, though parsing keeps one. */
  readonly keys: number;
}

/**
 * Counts what a JSON text holds, in one pass that keeps nothing. A text that is not JSON gives some counts.
 * @throws what `refuse` makes, where it is more than the limits
 */
export function measureJson(text: string, limits: JsonLimits, refuse: Refuse): JsonSize {
  let depth = 0;
  let containers = 0;
  let keys = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at);
        break;
      case OPEN_LIST:
      case OPEN_MAPPING:
        containers += 1;
        depth += 1;
        if (depth > limits.depth) throw refuse(`is nested deeper than ${limits.depth} levels`);
        if (containers > limits.containers) throw refuse(`holds more than ${limits.containers} lists and mappings`);
        break;
      case CLOSE_LIST:
      case CLOSE_MAPPING:
        depth -= 1;
        break;
      case COLON:
        keys += 1;
        if (keys > limits.keys) throw refuse(`holds more than ${limits.keys} keys`);
    }
  }
  return { containers, keys };
}

/** Where the string ends that begins at a place; the end of the text where it does not. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at += 1;
    else if (code === QUOTE) return at;
  }
  return text.length;
}

const [QUOTE, BACKSLASH, COLON] = [0x22, 0x5c, 0x3a];
const [OPEN_LIST, CLOSE_LIST, OPEN_MAPPING, CLOSE_MAPPING] = [0x5b, 0x5d, 0x7b, 0x7d];
