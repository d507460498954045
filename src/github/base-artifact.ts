import type { Api } from './api.ts';
import type { Client } from './client.ts';
import { BRANCH_EVENTS, type EventContext, repositoryOf } from './events.ts';
import { RefusedAnswer } from './guard.ts';
import { troubleOf } from './trouble.ts';

/** An artifact of the base branch; or why there is none, as the end of a sentence. */
export type BaseArtifact =
  | { readonly kind: 'artifact'; readonly label: string; readonly bytes: Uint8Array }
  | { readonly kind: 'none'; readonly reason: string };

/** Reports of some models; a whole report-dir may hold a pruned model as well, and that is too much. */
const MAX_BYTES = 64 * 1024 * 1024;
/** Runs that are asked, newest first: one that had nothing to check left nothing. */
const MAX_RUNS = 10;

interface Sought {
  readonly owner: string;
  readonly repo: string;
  readonly name: string;
  readonly branch: string;
  readonly workflow: string;
}

/**
 * Reads an artifact by its name from the last successful run of this workflow on the base branch, which needs `actions: read`. Never throws.
 */
export async function readBaseArtifact(
  client: Client,
  event: EventContext | null,
  name: string,
  userAgent: string,
): Promise<BaseArtifact> {
  const place = repositoryOf(event);
  if (client.kind !== 'ready') return none(`the artifact ${name} could not be read: ${client.reason}`);
  const { baseBranch: branch = null, workflowFile: workflow = null } = event ?? {};
  if (place === null || branch === null || workflow === null)
    return none(`the artifact ${name} is looked for at the base branch, and this event names none`);
  const sought = { ...place, name, branch, workflow };
  try {
    return await found(client.api, sought, userAgent);
  } catch (error) {
    const wanted = { permission: 'actions: read', without: 'baseline to a report.json', done: 'read' } as const;
    return none(troubleOf(error, { what: `the artifact ${name} of ${branch}`, ...wanted }).message.replace(/\.$/, ''));
  }
}

async function found(api: Api, sought: Sought, userAgent: string): Promise<BaseArtifact> {
  const { name, branch, workflow } = sought;
  const runs = await ownRuns(api, sought);
  if (runs.length === 0)
    return none(
      `${branch} has no successful run of ${workflow}: let it run on push to ${branch}, and upload the report there as ${name}`,
    );
  for (const run of runs) {
    const artifact = await artifactOf(api, sought, run);
    if (artifact === null) continue;
    const label = `artifact ${name} of run ${run}`;
    if (artifact.expired)
      return none(`the ${label} has expired: run ${workflow} on ${branch} again, or keep its artifacts longer`);
    if (artifact.size_in_bytes > MAX_BYTES)
      return none(
        `the ${label} has more than ${MAX_BYTES / 1024 / 1024} MiB: upload what the output report-json names`,
      );
    return { kind: 'artifact', label, bytes: await content(api, sought, artifact.id, userAgent) };
  }
  return none(
    `the last runs of ${workflow} on ${branch} left no artifact ${name}: upload what the output report-json names there, by this name`,
  );
}

/** By number, newest first. A fork's branch may have the same name, so that what ran for it is no run of ours. */
async function ownRuns(api: Api, { owner, repo, branch, workflow }: Sought): Promise<readonly number[]> {
  const { data } = await api.rest.actions.listWorkflowRuns({
    ...{ owner, repo, branch, workflow_id: workflow },
    ...{ status: 'success', exclude_pull_requests: true, per_page: 100 },
  });
  const own = data.workflow_runs.filter(
    ({ event, head_branch, conclusion, repository, head_repository }) =>
      BRANCH_EVENTS.includes(event) &&
      head_branch === branch &&
      conclusion === 'success' &&
      head_repository?.id !== undefined &&
      head_repository.id === repository.id,
  );
  return own.slice(0, MAX_RUNS).map(({ id }) => id);
}

/** The newest of the name: a run that was started again may have left several. */
async function artifactOf(api: Api, { owner, repo, name }: Sought, run: number) {
  const { data } = await api.rest.actions.listWorkflowRunArtifacts({ owner, repo, run_id: run, name, per_page: 100 });
  const named = data.artifacts.filter((artifact) => artifact.name === name);
  return named.sort((a, b) => b.id - a.id)[0] ?? null;
}

/** GitHub answers with the address of another server, which is asked without the token. */
async function content(api: Api, { owner, repo }: Sought, id: number, userAgent: string): Promise<Uint8Array> {
  const { headers } = await api.rest.actions.downloadArtifact({
    ...{ owner, repo, artifact_id: id, archive_format: 'zip' },
    request: { redirect: 'manual' },
  });
  const location = headers.location ?? '';
  const isSafe =
    URL.canParse(location) &&
    ['https:', new URL(api.request.endpoint.DEFAULTS.baseUrl).protocol].includes(new URL(location).protocol);
  if (!isSafe) throw new RefusedAnswer('the answer names no address to read it from');
  const { download } = await import('./download.ts');
  return download(location, userAgent, MAX_BYTES);
}

function none(reason: string): BaseArtifact {
  return { kind: 'none', reason };
}
