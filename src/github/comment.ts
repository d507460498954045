import type { Api } from './api.ts';
import { isRequestError } from './request-error.ts';
import { isSuperseded, type Stamp, stampIn } from './stamp.ts';

/** GitHub's limit ("Body is too long (maximum is 65536 characters)"). UTF-16 units are never fewer than its characters. */
export const MAX_COMMENT = 65_536;

export interface CommentTarget {
  readonly owner: string;
  readonly repo: string;
  readonly number: number;
  readonly stamp: Stamp;
}

export type CommentOutcome =
  | { readonly kind: 'written'; readonly url: string }
  /** Nothing to say, and nothing said before. */
  | { readonly kind: 'unneeded' }
  | { readonly kind: 'superseded'; readonly why: string };

/** Rounds in which a comment whose creation got no answer is looked for before it is created again. */
const MAX_ROUNDS = 2;

/**
 * Writes the pull request's one comment of this step: the existing one where there is one.
 * @param isNeeded whether to make one where there is none; an existing one is brought up to date in any case
 */
export async function writeComment(
  api: Api,
  target: CommentTarget,
  body: string,
  isNeeded: boolean,
): Promise<CommentOutcome> {
  for (let round = 1; ; round++) {
    try {
      return await findAndWrite(api, target, body, isNeeded);
    } catch (error) {
      if (!mayHaveWorked(error) || round === MAX_ROUNDS) throw error;
    }
  }
}

export interface PullRequestHead {
  readonly owner: string;
  readonly repo: string;
  readonly headRepository: string | null;
  readonly headBranch: string | null;
  readonly headSha: string | null;
}

/** A workflow_run's payload names no pull request of a fork. Its branch is only asked for; the commit decides. */
export async function findPullRequest(api: Api, head: PullRequestHead): Promise<number | null> {
  const { owner, repo, headRepository, headBranch, headSha } = head;
  if (headRepository === null || headBranch === null) return null;
  const found = await api.rest.pulls.list({
    owner,
    repo,
    state: 'open',
    head: `${headRepository.split('/')[0]}:${headBranch}`,
  });
  return found.data.find((pull) => pull.head.sha === headSha)?.number ?? null;
}

function mayHaveWorked(error: unknown): boolean {
  return isRequestError(error) && error.status >= 500 && error.request.method === 'POST';
}

async function findAndWrite(api: Api, target: CommentTarget, body: string, isNeeded: boolean): Promise<CommentOutcome> {
  const { owner, repo, number, stamp } = target;
  const [own, ...doubles] = await ownComments(api, target);
  if (own === undefined && !isNeeded) return { kind: 'unneeded' };
  const pull = await api.rest.pulls.get({ owner, repo, pull_number: number });
  const head = pull.data.head.sha;
  if (head !== stamp.head) return { kind: 'superseded', why: `the pull request is at ${head.slice(0, 7)} by now` };
  const later = [own, ...doubles].find((comment) => comment !== undefined && isSuperseded(stamp, comment.stamp));
  if (later !== undefined)
    return { kind: 'superseded', why: `run ${later.stamp.run}, attempt ${later.stamp.attempt} has written it since` };
  const written =
    own === undefined
      ? await api.rest.issues.createComment({
          owner,
          repo,
          issue_number: number,
          body,
        })
      : await api.rest.issues.updateComment({
          owner,
          repo,
          comment_id: own.id,
          body,
        });
  for (const { id } of doubles) await remove(api, owner, repo, id);
  return { kind: 'written', url: written.data.html_url };
}

/** Two runs that started together may each have made a comment; one of them would never be brought up to date again. */
async function remove(api: Api, owner: string, repo: string, id: number): Promise<void> {
  try {
    await api.rest.issues.deleteComment({ owner, repo, comment_id: id });
  } catch {
    // Ours is written; the next run tries again.
  }
}

/** GitHub takes no more than 2,500 comments on a pull request. */
const MAX_PAGES = 50;

interface OwnComment {
  readonly id: number;
  readonly stamp: Stamp;
}

/** Comments that have our marker and that this token's user wrote, oldest first: anybody can write the marker. */
async function ownComments(api: Api, { owner, repo, number, stamp }: CommentTarget): Promise<readonly OwnComment[]> {
  const marked: (OwnComment & { readonly author: string; readonly isBot: boolean })[] = [];
  const pages = api.paginate.iterator(api.rest.issues.listComments, {
    owner,
    repo,
    issue_number: number,
    per_page: 100,
  });
  let count = 0;
  for await (const { data } of pages) {
    // Written beside it, a comment that was not found would stand there twice.
    if (++count > MAX_PAGES) throw new Error(`there are more than ${MAX_PAGES * 100} comments`);
    for (const { id, body, user } of data) {
      const found = stampIn(body ?? '');
      if (found?.key === stamp.key)
        marked.push({ id, stamp: found, author: user?.login ?? '', isBot: user?.type === 'Bot' });
    }
  }
  if (marked.length === 0) return [];
  // The one question that GITHUB_TOKEN, app tokens and personal tokens can all ask: GET /user is closed to the first two.
  const { viewer } = await api.graphql<{ readonly viewer: { readonly login: string } }>('query { viewer { login } }');
  const isOurs = (author: string, isBot: boolean): boolean =>
    author === viewer.login || (isBot && author === `${viewer.login}[bot]`);
  return marked.filter(({ author, isBot }) => isOurs(author, isBot));
}
