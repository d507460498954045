import type { NamedBytes, Refuse } from '../bytes/index.ts';
import { openRegularFile, type RegularFile } from './regular-file.ts';

/**
 * All bytes of a regular file.
 * @throws what `refuse` makes, where it cannot be read or has more than `limit` bytes, which is looked at first
 */
export function readWhole(path: string, limit: number, refuse: Refuse): NamedBytes {
  return read(path, refuse, (file) => {
    if (file.size > limit) throw refuse(`has ${file.size} bytes, more than the ${limit} that are read`);
    return file.size;
  });
}

/** The first bytes of a regular file, `limit` at most. @throws what `refuse` makes */
export function readStart(path: string, limit: number, refuse: Refuse): NamedBytes {
  return read(path, refuse, (file) => Math.min(file.size, limit));
}

function read(path: string, refuse: Refuse, lengthOf: (file: RegularFile) => number): NamedBytes {
  const file = openRegularFile(path, 0, refuse);
  try {
    const bytes = new Uint8Array(lengthOf(file));
    file.read(bytes, 0, bytes.length);
    return { name: path, bytes };
  } finally {
    file.close();
  }
}
