import { isRequestError } from './request-error.ts';
import { isRateLimit } from './retry.ts';

/** What may be done about a request that failed. */
export interface Wanted {
  /** `the comment` */
  readonly what: string;
  /** `pull-requests: write` */
  readonly permission: string;
  /** How to do without: `comment: never`. */
  readonly without: string;
  readonly done: 'written' | 'read';
}

export interface Trouble {
  /** One sentence or two. Never holds a header of the request: one of them is the token. */
  readonly message: string;
  /** Whether the token may not do it. */
  readonly isForbidden: boolean;
}

export function troubleOf(error: unknown, { what, permission, without, done }: Wanted): Trouble {
  if (!isRequestError(error)) {
    // Answers are taken for what GitHub describes; one that is not has no member that is looked for.
    const isOdd = error instanceof TypeError;
    const message = isOdd ? 'the answer is none that GitHub describes' : messageOf(error);
    return { message: `${what} could not be ${done}: ${firstLine(message)}`, isForbidden: false };
  }
  const { status, response } = error;
  const isForbidden = status === 403 && !isRateLimit(error);
  const said = response === undefined ? firstLine(error.message) : `${status} ${firstLine(error.message)}`;
  return { message: `${what} could not be ${done}: ${said}${remedy()}`, isForbidden };

  function remedy(): string {
    if (isForbidden) return `. Give the job the permission ${permission}, or set ${without}.`;
    if (status === 401) return '. Is github-token a token of this server that has not expired?';
    if (status === 404) return `. May github-token see this repository, with the permission ${permission}?`;
    return '';
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Of somebody else's text, a line of bounded length. */
export function firstLine(text: string): string {
  const [first = ''] = text.trim().split(/[\r\n]/, 1);
  return first.length <= 300 ? first : `${first.slice(0, 299)}…`;
}
