import * as core from '@actions/core';
import { neutral } from '../process/neutral.ts';
import type { Api } from './api.ts';
import type { EventContext } from './events.ts';

/** By whose leave GitHub's API is asked. */
export interface Credentials {
  readonly token: string | null;
  readonly userAgent: string;
}

/** GitHub's API, or why it cannot be asked. */
export type Client = { readonly kind: 'ready'; readonly api: Api } | { readonly kind: 'none'; readonly reason: string };

export async function clientOf({ token, userAgent }: Credentials, event: EventContext | null): Promise<Client> {
  if (event === null) return { kind: 'none', reason: 'this is no run of GitHub Actions' };
  if (token === null) return { kind: 'none', reason: 'github-token is empty' };
  if (event.apiUrl === null) return { kind: 'none', reason: 'GITHUB_API_URL is no URL' };
  // Only here: loading it takes longer than checking a small model.
  const { connect } = await import('./api.ts');
  return {
    kind: 'ready',
    api: connect({ token, baseUrl: event.apiUrl, userAgent, log: (line) => core.info(neutral(line)) }),
  };
}
