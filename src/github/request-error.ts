/**
 * What Octokit throws for an answer that is no success, or for none (then with status 500 and no response). @actions/github hands out no class to ask
 * for, so it is known by its form.
 */
export interface RequestError extends Error {
  readonly status: number;
  readonly request: { readonly method: string; readonly url: string };
  readonly response?: { readonly headers: Readonly<Record<string, string | number | undefined>> };
}

export function isRequestError(error: unknown): error is RequestError {
  return error instanceof Error && error.name === 'HttpError' && 'status' in error && 'request' in error;
}
