import { DETAILS, type Detail, type Medium, type ReportSet, renderMarkdown } from '../report/index.ts';
import { markerOf, type Stamp } from './stamp.ts';

/** The most detailed text that fits; the last is a few lines long. */
export function fittingText(
  textOf: (detail: Detail) => string,
  from: Detail,
  fits: (text: string) => boolean,
): string | null {
  for (const detail of DETAILS.slice(DETAILS.indexOf(from))) {
    const text = textOf(detail);
    if (fits(text)) return text;
  }
  return null;
}

/** A comment of at most `limit` characters: marker, report, and which commit and run it speaks of. */
export function commentBody(
  set: ReportSet,
  medium: Medium,
  stamp: Stamp,
  url: string | null,
  limit: number,
): string | null {
  return fittingText(
    (detail) => framed(renderMarkdown(set, detail, medium), stamp, url),
    'whole',
    (text) => text.length <= limit,
  );
}

/**
 * The same for a run that failed before it could check. It does not say why: messages may quote inputs and commands, in which the runner masks secrets
 * in its log and in the job summary, and nobody does in a comment.
 */
export function failureBody(stamp: Stamp, url: string | null): string {
  return framed(failureText('The job summary says why.'), stamp, url);
}

export function failureText(message: string): string {
  return `### ❌ prunegate could not check this commit\n\n${message}`;
}

function framed(markdown: string, stamp: Stamp, url: string | null): string {
  const run = url === null ? '' : ` · [run and job summary](${url})`;
  return `${markerOf(stamp)}\n${markdown}\n\n<sub>for ${stamp.head.slice(0, 7)}${run}</sub>\n`;
}
