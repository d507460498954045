import { type BigIntStats, statSync } from 'node:fs';
import { changedMeanwhile, isSame } from './regular-file.ts';

/** How long a write may bear the time of the one before: a tick of the kernel's clock, up to 10 ms. */
export const TICK_MS = 20;

/**
 * Remembers files as they are now.
 * @returns throws an InputError where one of them is another by then, or was written to
 */
export function asSeen(paths: readonly string[]): () => void {
  const seen = new Map(paths.map((path) => [path, statsOf(path)]));
  return () => {
    for (const [path, before] of seen) {
      const now = statsOf(path);
      if (before === null ? now !== null : now === null || !isSame(before, now)) throw changedMeanwhile(path);
    }
  };
}

/**
 * Waits until a write would bear another time than a file's last one, so that it shows.
 * @returns bytes of the file; 0 where there is none
 */
export function settle(path: string): number {
  const stats = statsOf(path);
  const age = Date.now() - Number(stats?.ctimeMs ?? 0n);
  if (age >= 0 && age < TICK_MS) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, TICK_MS);
  return Number(stats?.size ?? 0n);
}

function statsOf(path: string): BigIntStats | null {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false }) ?? null;
  } catch {
    return null;
  }
}
