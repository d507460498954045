import * as core from '@actions/core';
import type { CommentPolicy } from '../config/index.ts';
import { neutral } from '../process/neutral.ts';
import { cutText, type Medium, type ReportSet, renderMarkdown } from '../report/index.ts';
import { type Annotation, type Annotations, annotationsOf, openEnd, printAnnotations } from './annotations.ts';
import type { Api } from './api.ts';
import { commentBody, failureBody, failureText, fittingText } from './body.ts';
import type { Channel } from './channel.ts';
import { createCheckRun, MAX_CHECK_SUMMARY } from './check-run.ts';
import { clientOf } from './client.ts';
import { findPullRequest, MAX_COMMENT, writeComment } from './comment.ts';
import { type EventContext, repositoryOf } from './events.ts';
import { linkTo, runPage } from './links.ts';
import { reviewPlace } from './place.ts';
import type { Stamp } from './stamp.ts';
import { appendSummary } from './summary.ts';
import { troubleOf, type Wanted } from './trouble.ts';

export interface Publication {
  readonly set: ReportSet;
  readonly annotations: boolean;
  /** Whether the runs whose reports these are have annotated their findings. */
  readonly isRepeated: boolean;
  readonly comment: CommentPolicy;
  readonly checkRun: boolean;
}

export interface Published {
  readonly commentUrl: string | null;
}

/** Tells reviewers what was found. Nothing here decides the gate: what can't be published is a warning. */
export async function publish(publication: Publication, channel: Channel): Promise<Published> {
  const { set, comment } = publication;
  const all = annotationsOf(set);
  const annotations = publication.annotations ? all : { ...all, headline: null, findings: [] };
  const summary: Medium = { linkOf: (finding) => linkTo(reviewPlace(finding), channel.event), isMasked: true };
  const page: Medium = { ...summary, isMasked: false };
  const hasCheck =
    publication.checkRun &&
    !isHearsay(publication, channel) &&
    (await publishCheck(set, checkTitle(set, all), annotations.findings, page, channel));
  // Never the same annotations twice; a check takes those that have a place. The headline says why the step failed.
  const isReported = ({ file }: Annotation): boolean => publication.isRepeated || (hasCheck && file !== null);
  printAnnotations({ ...annotations, findings: annotations.findings.filter((finding) => !isReported(finding)) });
  const trouble = appendSummary(channel.summaryFile, (detail) => renderMarkdown(set, detail, summary));
  if (trouble !== null) core.info(neutral(trouble));
  const commentUrl = await publishComment(
    comment,
    comment === 'always' || set.conclusion !== 'success',
    channel,
    (stamp, url) => commentBody(set, page, stamp, url, MAX_COMMENT) ?? failureBody(stamp, url),
  );
  return { commentUrl };
}

/**
 * Tells that nothing was checked. A comment that stands there is brought up to date, so that an earlier verdict does not look as if it still counted.
 * @param message markdown
 */
export async function publishFailure(message: string, comment: CommentPolicy, channel: Channel): Promise<void> {
  const trouble = appendSummary(channel.summaryFile, () => failureText(message));
  if (trouble !== null) core.info(neutral(trouble));
  await publishComment(comment, comment === 'always', channel, failureBody);
}

/** A check can be required, and this one would say what a fork's own workflow reported. */
function isHearsay({ isRepeated }: Publication, { event }: Channel): boolean {
  const isIt = isRepeated && event?.name === 'workflow_run' && event.isFork;
  if (isIt)
    core.warning("reports of a fork's workflow make a comment and no check, which could be required", {
      title: 'prunegate: the check run is left out',
    });
  return isIt;
}

/** Longer names are cut by GitHub's pages. */
const MAX_CHECK_NAME = 100;

const CHECK: Wanted = {
  what: 'the check run',
  permission: 'checks: write',
  without: 'check-run: false',
  done: 'written',
};
const COMMENT: Wanted = {
  what: 'the comment',
  permission: 'pull-requests: write',
  without: 'comment: never',
  done: 'written',
};

async function publishCheck(
  set: ReportSet,
  title: string,
  annotations: readonly Annotation[],
  page: Medium,
  channel: Channel,
): Promise<boolean> {
  const { event } = channel;
  const place = repositoryOf(event);
  if (event === null || place === null || event.headSha === null) {
    core.info('no check run: this run belongs to no commit');
    return false;
  }
  const api = await connected(channel, event, CHECK);
  if (api === null) return false;
  const summary = fittingText(
    (detail) => renderMarkdown(set, detail, page),
    'layers',
    (text) => text.length <= MAX_CHECK_SUMMARY,
  );
  try {
    await createCheckRun(api, {
      ...place,
      headSha: event.headSha,
      name: checkName(set),
      detailsUrl: runPage(event),
      conclusion: set.conclusion ?? 'neutral',
      title,
      summary: summary ?? title,
      annotations,
    });
    return true;
  } catch (error) {
    tell(error, CHECK, event);
    return false;
  }
}

async function publishComment(
  policy: CommentPolicy,
  isNeeded: boolean,
  channel: Channel,
  bodyOf: (stamp: Stamp, url: string | null) => string,
): Promise<string | null> {
  const { event, key } = channel;
  if (policy === 'never') return null;
  const place = repositoryOf(event);
  const { headSha, runId } = event ?? {};
  const isOfNone = event?.pullRequest == null && event?.name !== 'workflow_run';
  if (event === null || place === null || isOfNone || headSha == null || runId == null) {
    if (policy === 'always') core.info('no comment: this run belongs to no pull request');
    return null;
  }
  const api = await connected(channel, event, COMMENT);
  if (api === null) return null;
  const stamp: Stamp = { key, head: headSha, run: runId, attempt: event.runAttempt ?? 1 };
  try {
    const number = event.pullRequest ?? (await findPullRequest(api, { ...place, ...event }));
    if (number === null) {
      core.info(`no comment: no open pull request is at ${headSha.slice(0, 7)}`);
      return null;
    }
    const outcome = await writeComment(api, { ...place, number, stamp }, bodyOf(stamp, runPage(event)), isNeeded);
    if (outcome.kind === 'written') return outcome.url;
    if (outcome.kind === 'superseded') core.info(`no comment: ${outcome.why}`);
  } catch (error) {
    tell(error, COMMENT, event, isNeeded);
  }
  return null;
}

async function connected(channel: Channel, event: EventContext, { what }: Wanted): Promise<Api | null> {
  const client = await clientOf(channel, event);
  if (client.kind === 'ready') return client.api;
  if (client.kind === 'none') core.info(`${what} is left out: ${client.reason}`);
  else core.warning(client.reason, { title: `prunegate: ${what} is missing` });
  return null;
}

/**
 * One line where the token was never meant to write, a warning where it was.
 * @param isMissed whether there is something to tell: a green run need not warn that it may not comment
 */
function tell(error: unknown, wanted: Wanted, event: EventContext, isMissed = true): void {
  const { message, isForbidden } = troubleOf(error, wanted);
  if (isForbidden && !isMissed) core.info(neutral(message));
  else if (isForbidden && event.hasReadOnlyToken)
    core.info(
      `${wanted.what} is left out: the token of this event can only read. Annotations and job summary have it all.`,
    );
  else core.warning(message, { title: `prunegate: ${wanted.what} is missing` });
}

function checkTitle(set: ReportSet, { headline }: Annotations): string {
  if (headline !== null) return headline.message;
  const whole =
    set.verdict === 'conforms' ? 'All layers keep the filters that the spec asks for' : 'Nothing was compared';
  return `${whole}${openEnd(set)}`;
}

/** One model's check has its name or its file's, so that matrix legs have one each. */
function checkName({ reports }: ReportSet): string {
  const [only] = reports;
  if (reports.length !== 1 || only === undefined) return 'prunegate';
  const name = only.model === 'model' ? (only.inputs.pruned?.path ?? only.model) : only.model;
  return cutText(`prunegate: ${name}`, MAX_CHECK_NAME);
}
