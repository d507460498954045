import { InputError } from '../errors/input-error.ts';
import { readBaseArtifact } from '../github/base-artifact.ts';
import { type Channel, clientOf, printLine } from '../github/index.ts';
import type { Report } from '../report/index.ts';
import { earlierReportsIn } from '../report/merge.ts';
import { isZip, unzip } from '../tensor-files/index.ts';
import type { EarlierRun } from './baseline.ts';

/** Of all reports in an artifact, unpacked. */
const MAX_BYTES = 128 * 1024 * 1024;

/** What the base branch's last successful run reported, by the artifact in which it left that. What GitHub answers turns no gate: then there is no baseline. */
export async function baselineArtifact(name: string, channel: Channel): Promise<EarlierRun> {
  const client = await clientOf(channel, channel.event);
  const artifact = await readBaseArtifact(client, channel.event, name, channel.userAgent);
  if (artifact.kind === 'none') return { file: `artifact ${name}`, reports: artifact.reason };
  const { label, bytes } = artifact;
  printLine(`baseline: ${label}`);
  return { file: label, reports: reportsOf(label, bytes) };
}

function reportsOf(label: string, bytes: Uint8Array): EarlierRun['reports'] {
  try {
    const found = [...filesOf(label, bytes)].map(([path, content]) =>
      earlierReportsIn(`${label}: ${path}`, new TextDecoder().decode(content)),
    );
    if (found.length === 0) return `${label} holds no report.json`;
    return found.find((reports) => typeof reports === 'string') ?? (found as (readonly Report[])[]).flat();
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
}

/** One file that was uploaded without an archive is the report itself. */
function filesOf(label: string, bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  if (!isZip(bytes)) return new Map([['report.json', bytes]]);
  const files = unzip({ name: label, bytes }, 'report.json', MAX_BYTES);
  return new Map([...files].filter(([path]) => /(?:^|\/)report\.json$/.test(path)));
}
