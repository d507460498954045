import { oneLine } from '../../errors/input-error.ts';
import { cutText, shortName } from '../escape.ts';

/** A sentence of a report: longer ones list what the page shows better. */
const MAX_SENTENCE = 2000;

/** Text of models and files as the page shows it: one line of bounded length, with nothing hidden in it. */
export function pageText(text: string): string {
  return cutText(oneLine(cutText(text, MAX_SENTENCE)), MAX_SENTENCE);
}

/** A name of a model may be a megabyte. */
export function pageName(name: string): string {
  return shortName(cutText(name, MAX_SENTENCE));
}
