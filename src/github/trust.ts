import type { EventContext } from './events.ts';

/** Events that only somebody with write access to the repository, or its own schedule, can start on code that lies in it. */
const STARTED_BY_WRITERS = [
  'create',
  'deployment',
  'deployment_status',
  'merge_group',
  'push',
  'release',
  'repository_dispatch',
  'schedule',
  'workflow_dispatch',
];

/** Events that run with the pull request author's rights: GitHub gives a fork's run no secrets and no token that can write. */
const STARTED_BY_AUTHORS = ['pull_request', 'pull_request_review', 'pull_request_review_comment'];

/** Whether what lies in the workspace may be somebody's who asks to have it merged, prunegate.yml and links included. */
export function isUnmerged(event: EventContext | null): boolean {
  if (event === null || event.isLocal) return false;
  return event.name === 'merge_group' || !STARTED_BY_WRITERS.includes(event.name);
}

/**
 * Why the user's commands should not be run for this event, as the end of a sentence; null where they may be. This stops accidents: whoever can
 * edit the workflow of a pull request can also leave prunegate out of it.
 */
export function refusalToRun(event: EventContext | null): string | null {
  if (event === null || event.isLocal || STARTED_BY_WRITERS.includes(event.name)) return null;
  const from = event.headRepository === null ? 'a fork that is gone or not named' : `the fork ${event.headRepository}`;
  if (STARTED_BY_AUTHORS.includes(event.name)) {
    if (!event.isFork || !event.isSelfHosted) return null;
    return `this pull request is from ${from}, and its code would run on a self-hosted runner, which later jobs use too`;
  }
  if (event.name === 'workflow_run') {
    if (!event.isFork) return null;
    return `this workflow_run is about code from ${from}, and runs with this repository's secrets and token`;
  }
  if (event.name === 'pull_request_target')
    return "pull_request_target runs with this repository's secrets and token, for anybody's pull request";
  return `anybody may be able to start the event ${event.name || '(not named)'}, which runs with this repository's secrets and token`;
}
