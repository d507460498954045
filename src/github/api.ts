import { getOctokit } from '@actions/github';
import { defaults } from '@actions/github/lib/utils';
import { guarded } from './guard.ts';
import { PATIENCE_SECONDS, withRetries } from './retry.ts';

export interface Connection {
  readonly token: string;
  /** Of GitHub or an enterprise server, as GITHUB_API_URL has it. */
  readonly baseUrl: string;
  readonly userAgent: string;
  log(line: string): void;
  /** Milliseconds that a second of waiting takes; less in tests. */
  readonly secondMs?: number;
  readonly timeoutMs?: number;
}

export type Api = ReturnType<typeof connect>;

/** GitHub's API through the proxy that the environment names, with bounded patience. */
export function connect({ token, baseUrl, userAgent, log, secondMs = 1000, timeoutMs }: Connection) {
  const patience = { seconds: PATIENCE_SECONDS };
  const silent = (): void => {};
  const api = getOctokit(token, {
    baseUrl,
    userAgent,
    request: { ...defaults.request, fetch: guarded(defaults.request?.fetch, baseUrl, timeoutMs) },
    // Deprecation notes of GitHub's are not the user's to read.
    log: { debug: silent, info: silent, warn: silent, error: silent },
  });
  api.hook.wrap('request', (request, options) => {
    // A comment that was created although the answer got lost would stand there twice.
    const isRepeatable = !(options.method === 'POST' && options.url.endsWith('/comments'));
    return withRetries(`${options.method} ${options.url}`, isRepeatable, async () => request(options), {
      patience,
      secondMs,
      log,
    });
  });
  return api;
}
