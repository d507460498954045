import * as core from '@actions/core';
import { neutral } from '../process/neutral.ts';
import type { Api } from './api.ts';
import type { EventContext } from './events.ts';
import { firstLine, messageOf } from './trouble.ts';

/** By whose leave GitHub's API is asked. */
export interface Credentials {
  readonly token: string | null;
  readonly userAgent: string;
}

/** GitHub's API, or why it is not asked: `none` where nobody meant it to be, `broken` where something is wrong. */
export type Client =
  | { readonly kind: 'ready'; readonly api: Api }
  | { readonly kind: 'none' | 'broken'; readonly reason: string };

/** What a header can hold. Node's error about any other value quotes it. */
const TOKEN = /^[\x21-\x7e]+$/;

export async function clientOf({ token, userAgent }: Credentials, event: EventContext | null): Promise<Client> {
  if (event === null) return { kind: 'none', reason: 'this is no run of GitHub Actions' };
  if (token === null) return { kind: 'none', reason: 'github-token is empty' };
  if (event.apiUrl === null) return { kind: 'none', reason: 'GITHUB_API_URL is no URL' };
  if (!TOKEN.test(token)) return { kind: 'broken', reason: 'github-token holds what no token has' };
  try {
    // Only here: loading it takes longer than checking a small model. It reads the proxy's address at once.
    const { connect } = await import('./api.ts');
    const log = (line: string): void => core.info(neutral(line));
    return { kind: 'ready', api: connect({ token, baseUrl: event.apiUrl, userAgent, log }) };
  } catch (error) {
    const why = firstLine(messageOf(error));
    return { kind: 'broken', reason: `the API at GITHUB_API_URL cannot be used: ${why}` };
  }
}
