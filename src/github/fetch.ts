import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { getProxyForUrl } from 'proxy-from-env';

/** GitHub ends what takes longer than ten seconds; a proxy may add to it. */
const TIMEOUT_MS = 20_000;

interface Outgoing {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * fetch for Octokit, through the proxy that https_proxy and no_proxy name. Node's own fetch reads neither before Node 24, and undici would be 730 KB
 * of dist/. Certificates are Node's business, so NODE_EXTRA_CA_CERTS counts.
 */
export function fetchThroughProxy(timeoutMs = TIMEOUT_MS): typeof fetch {
  const send = (url: string, { method = 'GET', headers = {}, body }: Outgoing): Promise<Response> =>
    new Promise((resolve, reject) => {
      const proxy = getProxyForUrl(url);
      const request = url.startsWith('http:') ? requestHttp : requestHttps;
      const outgoing = request(
        url,
        {
          method,
          headers: { ...headers, 'accept-encoding': 'identity' },
          signal: AbortSignal.timeout(timeoutMs),
          ...(proxy === '' ? {} : { agent: new HttpsProxyAgent(proxy) }),
        },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.on('error', (error) => reject(inWords(error, timeoutMs)));
          incoming.on('end', () => {
            const status = incoming.statusCode ?? 0;
            if (isRedirection(status)) reject(new Error(`answered with a redirection (${status})`));
            else resolve(responseOf(status, incoming.headersDistinct, chunks));
          });
        },
      );
      outgoing.on('error', (error) => reject(inWords(error, timeoutMs)));
      outgoing.end(body);
    });
  return (url, init) => send(String(url), (init ?? {}) as Outgoing);
}

function responseOf(status: number, headers: NodeJS.Dict<string[]>, chunks: readonly Buffer[]): Response {
  const entries = Object.entries(headers).flatMap(([name, values]) =>
    (values ?? []).map((value): [string, string] => [name, value]),
  );
  const hasNoBody = status === 204 || status === 205 || status === 304;
  return new Response(hasNoBody ? null : Buffer.concat(chunks), { status, headers: entries });
}

/** Not followed: a token must not go where somebody else's answer says. */
function isRedirection(status: number): boolean {
  return status >= 300 && status < 400 && status !== 304;
}

function inWords(error: Error, timeoutMs: number): Error {
  return error.name === 'TimeoutError' || error.name === 'AbortError'
    ? new Error(`no answer in ${timeoutMs / 1000} seconds`)
    : error;
}
