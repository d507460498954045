import { setTimeout as sleep } from 'node:timers/promises';
import { RefusedAnswer } from './guard.ts';
import { isRequestError, type RequestError } from './request-error.ts';

/** A report is not worth more than this of a runner's time. */
const MAX_ATTEMPTS = 3;
const MAX_WAIT_SECONDS = 60;
/** All waits of a run together. */
export const PATIENCE_SECONDS = 120;
/** What GitHub asks for after a secondary rate limit that names no time (REST docs, "Rate limits"). */
const SECONDARY_LIMIT_SECONDS = 60;

/** What is left of a run's patience; every wait takes from it. */
export interface Patience {
  seconds: number;
}

export interface RetryOptions {
  readonly patience: Patience;
  /** Milliseconds that a second of waiting takes. */
  readonly secondMs: number;
  log(line: string): void;
}

/** Sends a request again where that can help, after the time that the server asks for. The last error is thrown as it came. */
export async function withRetries<T>(
  what: string,
  isRepeatable: boolean,
  send: () => Promise<T>,
  { patience, secondMs, log }: RetryOptions,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await send();
    } catch (error) {
      const wait = isRequestError(error) ? secondsToWait(error, attempt, isRepeatable) : null;
      const isTooLong = wait === null || wait > Math.min(MAX_WAIT_SECONDS, patience.seconds);
      if (isTooLong || attempt === MAX_ATTEMPTS) throw error;
      patience.seconds -= wait;
      log(`${what}: ${(error as RequestError).status}; trying again in ${wait} s`);
      await sleep(wait * secondMs);
    }
  }
}

/** null where another attempt is pointless, or where the request may have been carried out and must not be twice. */
function secondsToWait(error: RequestError, attempt: number, isRepeatable: boolean): number | null {
  const { status, response } = error;
  const header = (name: string): number | null => {
    const value = response?.headers[name];
    return value !== undefined && /^\d+$/.test(String(value)) ? Number(value) : null;
  };
  const isRefused = status === 429 || (status === 403 && isRateLimit(error));
  if (isRefused || (status === 503 && isRepeatable)) {
    const after = header('retry-after');
    if (after !== null) return after;
  }
  if (isRefused) {
    const reset = header('x-ratelimit-reset');
    if (header('x-ratelimit-remaining') === 0 && reset !== null)
      return Math.max(reset - Math.floor(Date.now() / 1000), 0) + 1;
    return SECONDARY_LIMIT_SECONDS;
  }
  if (isHopeless(error.cause)) return null;
  // Octokit gives errors of the network status 500.
  return status >= 500 && isRepeatable ? attempt * attempt : null;
}

/** An answer that is not taken, a name that does not exist, or a certificate that is not trusted: the next attempt finds the same. */
function isHopeless(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  const code = 'code' in cause ? String(cause.code) : '';
  // fetch wraps what went wrong.
  return (
    cause instanceof RefusedAnswer ||
    code === 'ENOTFOUND' ||
    /CERT|SIGNATURE|^ERR_TLS/.test(code) ||
    isHopeless(cause.cause)
  );
}

/** GitHub's rate limits come as 403 as well as 429; other 403 are a matter of permissions. */
export function isRateLimit({ response, message }: RequestError): boolean {
  return (
    response?.headers['x-ratelimit-remaining'] === '0' ||
    response?.headers['retry-after'] !== undefined ||
    /rate limit/i.test(message)
  );
}
