import type { Place } from '../errors/place.ts';

/** A word of a command line, and where it was given. */
export interface Word {
  readonly text: string;
  readonly place: Place;
}

/** A text as a file has it, quotes and line breaks included. */
export interface Spelled {
  readonly text: string;
  /** One-based line on which it starts. */
  readonly line: number;
}

/**
 * The words of a command line as a POSIX shell splits them, but nothing is expanded: `$KEY` stays as it is. A backslash before
 * white space continues the line.
 * @returns null where a quote is not closed
 */
export function splitWords(text: string): readonly string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  const rest = text.matchAll(/\\([\s\S])|'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|(\s+)|([\s\S])/g);
  for (const [, escaped, single, double, space, plain] of rest) {
    if (space !== undefined || (escaped !== undefined && /\s/.test(escaped))) {
      if (word !== null) words.push(word);
      word = null;
    } else if (plain === '"' || plain === "'") return null;
    else word = (word ?? '') + (escaped ?? single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? plain ?? '');
  }
  return word === null ? words : [...words, word];
}

/** The line on which each of these words stands in a text that spells them in this order. */
export function linesOfWords(words: readonly string[], { text, line }: Spelled): readonly number[] {
  let from = 0;
  return words.map((word) => {
    const at = text.indexOf(word, from);
    // Escapes may spell it otherwise: then it is where the last one was.
    if (at >= 0) from = at + word.length;
    return line + (text.slice(0, at < 0 ? from : at).match(/\n/g)?.length ?? 0);
  });
}
