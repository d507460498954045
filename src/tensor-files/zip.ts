import { Inflate } from 'fflate';
import type { NamedBytes } from '../bytes/index.ts';
import { InputError } from '../errors/input-error.ts';

/** APPNOTE.TXT 4.3.16, 4.3.12 and 4.3.7: end of central directory, its entries, and the header before each file's bytes. */
const END = { signature: 0x06054b50, bytes: 22 } as const;
const ENTRY = { signature: 0x02014b50, bytes: 46 } as const;
const LOCAL = { signature: 0x04034b50, bytes: 30 } as const;

/** The comment behind the end of the directory has two bytes for its length. */
const MAX_COMMENT_BYTES = 0xffff;

const STORED = 0;
const DEFLATED = 8;

/** Piece in which a file is inflated: a thousandfold as much comes out at most. */
const CHUNK_BYTES = 16 * 1024;

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly compressed: number;
  readonly size: number;
  /** Of its local header. */
  readonly offset: number;
}

/** Whether bytes begin as an archive: PK\3\4, or PK\5\6 for one without files. */
export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] === 3 || bytes[2] === 5);
}

/**
 * The files of an archive whose names end in `suffix`, by name. What an archive claims is not believed (CWE-409): nothing is
 * made that all claims together do not allow, and inflating stops where a file turns out larger than it says.
 * @param limit bytes that all of them may have together
 * @throws InputError that names the archive, for one that is damaged, encrypted or larger
 */
export function unzip({ name: file, bytes }: NamedBytes, suffix: string, limit: number): Map<string, Uint8Array> {
  const refuse = (problem: string): InputError => new InputError(`is not a readable archive: ${problem}`, { file });
  const wanted = entriesOf(bytes, refuse).filter(({ name }) => name.endsWith(suffix));
  const total = wanted.reduce((sum, { size }) => sum + size, 0);
  if (total > limit) throw new InputError(`holds ${total} bytes, more than the ${limit} that are read`, { file });
  const files = new Map<string, Uint8Array>();
  for (const entry of wanted) {
    if (files.has(entry.name)) throw refuse(`it holds ${entry.name} twice`);
    files.set(entry.name, contentOf(bytes, entry, refuse));
  }
  return files;
}

type Refusal = (problem: string) => InputError;

/** Without ZIP64, which numpy needs from 2 GiB on only. */
function entriesOf(bytes: Uint8Array, refuse: Refusal): Entry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = endOf(view);
  if (end === null) throw refuse('it is cut off');
  const entries: Entry[] = [];
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left--) {
    if (at + ENTRY.bytes > end || view.getUint32(at, true) !== ENTRY.signature)
      throw refuse('its directory is damaged');
    const next = at + ENTRY.bytes + view.getUint16(at + 28, true);
    const after = next + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (after > end) throw refuse('its directory is damaged');
    if ((view.getUint16(at + 8, true) & 1) !== 0) throw refuse('it is encrypted');
    entries.push({
      name: new TextDecoder().decode(bytes.subarray(at + ENTRY.bytes, next)),
      method: view.getUint16(at + 10, true),
      compressed: view.getUint32(at + 20, true),
      size: view.getUint32(at + 24, true),
      offset: view.getUint32(at + 42, true),
    });
    at = after;
  }
  return entries;
}

/** Where the end of the directory begins; null where there is none. */
function endOf(view: DataView): number | null {
  const last = view.byteLength - END.bytes;
  for (let at = last; at >= Math.max(0, last - MAX_COMMENT_BYTES); at--)
    if (view.getUint32(at, true) === END.signature) return at;
  return null;
}

function contentOf(bytes: Uint8Array, { name, method, compressed, size, offset }: Entry, refuse: Refusal): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (offset + LOCAL.bytes > bytes.length || view.getUint32(offset, true) !== LOCAL.signature)
    throw refuse(`${name} is not where it should be`);
  const start = offset + LOCAL.bytes + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
  if (start + compressed > bytes.length) throw refuse(`${name} is cut off`);
  const content = bytes.subarray(start, start + compressed);
  if (method === STORED && compressed === size) return content;
  if (method !== DEFLATED) throw refuse(`${name} is not stored in a way that is read here (method ${method})`);
  return inflated(content, size, () => refuse(`${name} is damaged, or does not have the ${size} bytes that it claims`));
}

function inflated(content: Uint8Array, size: number, damaged: () => InputError): Uint8Array {
  const whole = new Uint8Array(size);
  let filled = 0;
  let isEnd = false;
  const inflate = new Inflate((chunk, isFinal) => {
    if (filled + chunk.length > size) throw damaged();
    whole.set(chunk, filled);
    filled += chunk.length;
    isEnd ||= isFinal;
  });
  try {
    for (let at = 0; at < content.length; at += CHUNK_BYTES)
      inflate.push(content.subarray(at, at + CHUNK_BYTES), at + CHUNK_BYTES >= content.length);
  } catch {
    // The library throws what it finds wrong with the bytes.
    throw damaged();
  }
  if (!isEnd || filled !== size) throw damaged();
  return whole;
}
