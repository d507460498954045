import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { inputErrorAt, type Place } from '../errors/place.ts';

/** A file that a command is expected to make. */
export interface ExpectedOutput {
  readonly path: string;
  /** Where the user named it. */
  readonly at: Place;
}

/** A file as it was before the command; null where there was none. */
export type Before = {
  readonly modifiedNs: bigint;
  /** When its content, name or mode changed, which nobody sets back. */
  readonly changedNs: bigint;
  readonly size: bigint;
  readonly inode: bigint;
  /** null for what is no regular file. */
  readonly sha256: string | null;
} | null;

export async function lookAt(path: string): Promise<Before> {
  const file = await statOrNull(path);
  if (file === null) return null;
  return {
    modifiedNs: file.mtimeNs,
    changedNs: file.ctimeNs,
    size: file.size,
    inode: file.ino,
    sha256: file.isFile() ? await sha256(path) : null,
  };
}

/**
 * Holds that a command made a file, now and not in an earlier run: on a self-hosted runner yesterday's model may lie there. A file that was written
 * anew is fresh though its content be the same; one whose times were set back is if its content changed.
 * @param command how the error calls the command.
 * @throws InputError for a file that is missing or stale.
 */
export async function requireFresh(
  { path, at }: ExpectedOutput,
  before: Before,
  command: string,
  startedAt: Date,
  lastLines: readonly string[],
): Promise<void> {
  const after = await statOrNull(path);
  if (after === null) throw inputErrorAt(at, `${path} is missing: ${command} did not write it`, undefined, lastLines);
  if (before === null) return;
  if (after.mtimeNs !== before.modifiedNs || after.size !== before.size || after.ino !== before.inode) return;
  if (after.isFile() && (await sha256(path)) !== before.sha256) return;
  const written = new Date(Number(before.modifiedNs / 1_000_000n)).toISOString();
  throw inputErrorAt(
    at,
    `${path} is stale: it is from ${written}, and ${command}, started ${startedAt.toISOString()}, did not write it`,
    undefined,
    lastLines,
  );
}

/**
 * Holds that a command left a file as it was. Written anew with the same content, or given to another owner, it is the same.
 * @param command how the error calls the command.
 * @throws InputError for a file that is gone or has another content.
 */
export async function requireKept(
  { path, at }: ExpectedOutput,
  before: Before,
  command: string,
  lastLines: readonly string[],
): Promise<void> {
  if (before === null || before.sha256 === null) return;
  const after = await statOrNull(path);
  const isUntouched =
    after !== null &&
    after.mtimeNs === before.modifiedNs &&
    after.ctimeNs === before.changedNs &&
    after.size === before.size &&
    after.ino === before.inode;
  if (isUntouched || (after !== null && (await sha256(path)) === before.sha256)) return;
  const what = after === null ? 'is gone' : 'is another model now';
  throw inputErrorAt(
    at,
    `${path} ${what}: ${command} changed it, and what it pruned would not be what is checked`,
    undefined,
    lastLines,
  );
}

async function statOrNull(path: string) {
  try {
    return await stat(path, { bigint: true });
  } catch {
    return null;
  }
}

async function sha256(path: string): Promise<string | null> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash);
    return hash.digest('hex');
  } catch {
    // What cannot be read cannot be told apart by content.
    return null;
  }
}
