import { HttpClient } from '@actions/http-client';
import { RefusedAnswer } from './guard.ts';

/** Of the whole download. */
const TIMEOUT_MS = 120_000;

/**
 * Downloads what lies on another server, to which no token goes, through the proxy that the environment names.
 * @param limit bytes; more is not read
 * @throws RefusedAnswer and errors of the network, whose text holds no address: its query is a key
 */
export async function download(url: string, userAgent: string, limit: number): Promise<Uint8Array> {
  const client = new HttpClient(userAgent, [], { allowRedirects: false, socketTimeout: TIMEOUT_MS });
  const { message } = await client.get(url);
  const timer = setTimeout(
    () => message.destroy(new RefusedAnswer(`took more than ${TIMEOUT_MS / 1000} seconds`)),
    TIMEOUT_MS,
  );
  try {
    if (message.statusCode !== 200) throw new RefusedAnswer(`answered with the status ${message.statusCode}`);
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of message as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > limit) throw new RefusedAnswer(`answered with more than ${limit / 1024 / 1024} MiB`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } finally {
    clearTimeout(timer);
    message.destroy();
    client.dispose();
  }
}
