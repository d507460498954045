import type { Conclusion } from '../report/index.ts';
import { cutText } from '../report/index.ts';
import type { Annotation } from './annotations.ts';
import type { Api } from './api.ts';

/** Annotations that one request may carry; more are appended by updates (REST docs, "Update a check run"). */
const MAX_BATCH = 50;
const MAX_TITLE = 255;
/** GitHub's limit of a check's summary and text; UTF-16 units are never fewer than its characters. */
export const MAX_CHECK_SUMMARY = 65_535;
/** 64 KB, in bytes. A character takes at most three of them for each UTF-16 unit. */
const MAX_MESSAGE_UNITS = Math.floor((64 * 1024) / 3);

export interface CheckRun {
  readonly owner: string;
  readonly repo: string;
  readonly headSha: string;
  readonly name: string;
  readonly detailsUrl: string | null;
  readonly conclusion: Conclusion;
  readonly title: string;
  /** Markdown within MAX_CHECK_SUMMARY. */
  readonly summary: string;
  readonly annotations: readonly Annotation[];
}

/**
 * Publishes a check run with all annotations that have a place in a file.
 * @returns its page
 */
export async function createCheckRun(api: Api, check: CheckRun): Promise<string | null> {
  const { owner, repo, conclusion } = check;
  const output = { title: cutText(check.title, MAX_TITLE), summary: check.summary };
  const placed = check.annotations.flatMap(checkAnnotation);
  const created = await api.rest.checks.create({
    owner,
    repo,
    name: check.name,
    head_sha: check.headSha,
    ...(check.detailsUrl === null ? {} : { details_url: check.detailsUrl }),
    status: 'completed',
    conclusion,
    output: { ...output, annotations: placed.slice(0, MAX_BATCH) },
  });
  for (let at = MAX_BATCH; at < placed.length; at += MAX_BATCH) {
    await api.rest.checks.update({
      owner,
      repo,
      check_run_id: created.data.id,
      output: { ...output, annotations: placed.slice(at, at + MAX_BATCH) },
    });
  }
  return created.data.html_url;
}

function checkAnnotation({ level, title, message, file, line }: Annotation) {
  if (file === null) return [];
  const at = line ?? 1;
  return [
    {
      path: file,
      start_line: at,
      end_line: at,
      annotation_level: level === 'error' ? ('failure' as const) : ('warning' as const),
      title,
      message: cutText(message, MAX_MESSAGE_UNITS),
    },
  ];
}
