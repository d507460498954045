import type { Api } from './api.ts';
import type { Client } from './client.ts';
import { type EventContext, repositoryOf } from './events.ts';
import { isRequestError } from './request-error.ts';
import { troubleOf } from './trouble.ts';

/**
 * A file as it is at the commit whose policy counts. `absent` is said only where the commit's own tree, seen whole, has no such file: a 404
 * alone may as well mean a token that may not look. `unknown` is everything else, with a sentence that says why.
 */
export type BaseFile =
  | { readonly kind: 'file'; readonly text: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unknown'; readonly reason: string };

/** A prunegate.yml may have 1 MiB; a lock file of many models more. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;
const MAX_SEGMENTS = 32;

interface Sought {
  readonly owner: string;
  readonly repo: string;
  readonly path: string;
  readonly commit: string;
}

/**
 * Reads a file at the event's base commit through the contents API, which needs `contents: read`. Never throws.
 * @param path of the file in the repository, with slashes
 */
export async function readBaseFile(client: Client, event: EventContext | null, path: string): Promise<BaseFile> {
  const place = repositoryOf(event);
  const commit = event?.baseSha ?? null;
  if (client.kind !== 'ready') return unknown(`${path} at the base commit could not be read: ${client.reason}`);
  if (place === null || commit === null) return unknown(`${path} could not be read: the event names no base commit`);
  if (!isInRepository(path)) return unknown(`${path} is no path in the repository`);
  return readAt(client.api, { ...place, path, commit });
}

/** A lexical path below the repository's root, as git names it. */
function isInRepository(path: string): boolean {
  const segments = path.split('/');
  return segments.length <= MAX_SEGMENTS && segments.every((part) => part !== '' && part !== '.' && part !== '..');
}

async function readAt(api: Api, sought: Sought): Promise<BaseFile> {
  const { owner, repo, path, commit } = sought;
  try {
    const { data, headers } = await api.rest.repos.getContent({
      owner,
      repo,
      path,
      ref: commit,
      mediaType: { format: 'raw' },
    });
    return fileIn(data, headers['content-type'], sought);
  } catch (error) {
    if (!isRequestError(error) || error.status !== 404) return troubled(error, sought);
  }
  try {
    return await absentIn(api, sought);
  } catch (error) {
    return troubled(error, sought);
  }
}

/** Asked for a file's bytes, GitHub answers with JSON where there is none; a server that knows no raw answers has them in base64. */
function fileIn(data: unknown, type: string | undefined, sought: Sought): BaseFile {
  if (!/^application\/json\b/i.test(type ?? '')) return textIn(data, sought);
  if (Array.isArray(data)) return unknown(`${named(sought)} is a folder`);
  const { type: kind, encoding, content } = (data ?? {}) as Readonly<Record<string, unknown>>;
  if (kind === 'file' && encoding === 'base64' && typeof content === 'string') return textIn(bytesOf(content), sought);
  if (kind === 'symlink') return unknown(`${named(sought)} is a symbolic link that leads to no file`);
  if (kind === 'submodule') return unknown(`${named(sought)} is a submodule`);
  return unknown(`GitHub's answer to ${named(sought)} holds no text`);
}

/** null where it is no base64: Node would skip what it does not know. */
function bytesOf(base64: string): Uint8Array | null {
  const text = base64.replace(/\s/g, '');
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text) ? Buffer.from(text, 'base64') : null;
}

/** @param data bytes, or text that was decoded on the way, in which U+FFFD stands for what was none */
function textIn(data: unknown, sought: Sought): BaseFile {
  const isBytes = data instanceof ArrayBuffer || data instanceof Uint8Array;
  const text = isBytes ? decoded(new Uint8Array(data)) : typeof data === 'string' ? data : null;
  if (text === null || text.includes('\ufffd')) return unknown(`${named(sought)} is no text in UTF-8`);
  if (Buffer.byteLength(text) > MAX_FILE_BYTES)
    return unknown(`${named(sought)} has more than ${MAX_FILE_BYTES / 1024 / 1024} MiB`);
  return { kind: 'file', text };
}

function decoded(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** Git's mode of a symbolic link, whose type is that of a file. */
const LINK = '120000';

/** Walks the commit's trees down to where the path ends. The contents API says 404 of a file behind a linked folder, too. */
async function absentIn(api: Api, sought: Sought): Promise<BaseFile> {
  const { owner, repo, path, commit } = sought;
  const segments = path.split('/');
  let tree = commit;
  for (const [k, segment] of segments.entries()) {
    const listed = await api.rest.git.getTree({ owner, repo, tree_sha: tree });
    // Nobody holds a server to its description.
    const { tree: entries, truncated } = (listed.data ?? {}) as Partial<typeof listed.data>;
    if (!Array.isArray(entries) || truncated !== false)
      return unknown(`${named(sought)} could not be looked for: GitHub did not list its whole folder`);
    const entry = entries.find((each) => each?.path === segment);
    const isFile = entry?.type === 'blob' && entry.mode !== LINK;
    if (entry === undefined || (isFile && k < segments.length - 1)) return { kind: 'absent' };
    if (isFile) break;
    if (entry.type !== 'tree' || typeof entry.sha !== 'string')
      return unknown(`${named(sought)} could not be read: ${segment} is a symbolic link or a submodule there`);
    tree = entry.sha;
  }
  return unknown(`${named(sought)} could not be read: GitHub says both that it is there and that it is not`);
}

function troubled(error: unknown, sought: Sought): BaseFile {
  const wanted = { what: named(sought), permission: 'contents: read', without: 'policy: none', done: 'read' } as const;
  return unknown(troubleOf(error, wanted).message);
}

function named({ path, commit }: Sought): string {
  return `${path} at the base commit ${commit.slice(0, 7)}`;
}

function unknown(reason: string): BaseFile {
  return { kind: 'unknown', reason };
}
