/** GitHub ends what takes longer than ten seconds; a proxy may add to it. */
const TIMEOUT_MS = 20_000;
/** A hundred comments of 65,536 characters, which four bytes may write: 25 MiB, the largest answer that is asked for. CWE-770. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

/** An answer that is not taken, and would be the same another time. */
export class RefusedAnswer extends Error {
  override readonly name = 'RefusedAnswer';
}

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/**
 * fetch for Octokit that waits for a bounded time, reads a bounded answer, and goes to one server only: with it goes the token. A redirection is an answer
 * for who asks for it (`redirect: 'manual'`), and is followed for nobody.
 */
export function guarded(fetch: Fetch, baseUrl: string, timeoutMs = TIMEOUT_MS): Fetch {
  const { origin } = new URL(baseUrl);
  return async (url, init) => {
    if (new URL(url).origin !== origin) throw new RefusedAnswer('points to another server');
    try {
      const response = await fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) });
      return await readWhole(response, init.redirect === 'manual');
    } catch (error) {
      const isLate = error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError');
      throw isLate ? new Error(`no answer in ${timeoutMs / 1000} seconds`) : error;
    }
  };
}

async function readWhole(response: Response, mayRedirect: boolean): Promise<Response> {
  const { status, headers } = response;
  if (status >= 300 && status < 400 && status !== 304 && !mayRedirect)
    throw new RefusedAnswer(`answered with a redirection (${status})`);
  // Others are no status of HTTP's, and Response takes none of them.
  if (status < 200 || status > 599) throw new RefusedAnswer(`answered with the status ${status}`);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES)
      throw new RefusedAnswer(`answered with more than ${MAX_ANSWER_BYTES / 1024 / 1024} MiB`);
    chunks.push(chunk);
  }
  const hasNoBody = status === 204 || status === 205 || status === 304;
  return new Response(hasNoBody ? null : Buffer.concat(chunks), { status, headers: [...headers] });
}
