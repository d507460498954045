import type { Link } from '../report/index.ts';
import type { EventContext } from './events.ts';
import type { ReviewPlace } from './place.ts';

/** The run's page, of this very attempt. */
export function runPage({ serverUrl, repository, runId, runAttempt }: EventContext): string | null {
  if (serverUrl === null || repository === null || runId === null) return null;
  const attempt = runAttempt ?? 1;
  return `${serverUrl}/${repository}/actions/runs/${runId}${attempt > 1 ? `/attempts/${attempt}` : ''}`;
}

/** A line as GitHub shows it at the judged commit. */
export function linkTo({ file, line }: ReviewPlace, event: EventContext | null): Link | null {
  if (file === null || event?.headSha == null || event.serverUrl === null || event.repository === null) return null;
  // encodeURIComponent leaves parentheses, which end a link in markdown.
  const path = file
    .split('/')
    .map((part) => encodeURIComponent(part).replaceAll('(', '%28').replaceAll(')', '%29'))
    .join('/');
  const [text, anchor] = line === null ? [file, ''] : [`${file}, line ${line}`, `#L${line}`];
  return { text, url: `${event.serverUrl}/${event.repository}/blob/${event.headSha}/${path}${anchor}` };
}
