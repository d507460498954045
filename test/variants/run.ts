import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Results, resultsOf, sameness } from './judge.ts';
import type { Kind, Pair, Variant } from './kind.ts';

const CLI = join(import.meta.dirname, '../../dist/cli.cjs');

/** What a check said of a changed pair. */
export interface Outcome {
  readonly kind: Kind;
  readonly pair: string;
  /** Exit status of `check --execute`; of `check` alone where that does not pass a wrong model already. */
  readonly exit: number;
  /** Whether a check without execution sees it. */
  readonly isSeenUnexecuted: boolean;
  /** What went against the promise; null where nothing did. */
  readonly fault: string | null;
  /** The first lines of what it printed. */
  readonly said: string;
}

/** Exit statuses that a harmless change may have: fine, or not to be verified. Anything else blames a right model. */
const FINE: ReadonlySet<number> = new Set([0, 3]);

/** Those that a wrong one may have. */
const CAUGHT: ReadonlySet<number> = new Set([1, 3]);

/**
 * Changes a pair by a kind, until a change is found that is surely what the kind claims, and checks it as a user would.
 * @returns null where the kind applies nowhere in this pair
 */
export async function tryKind(kind: Kind, pair: Pair, before: Results): Promise<Outcome | null> {
  for (const variant of kind.make(pair)) {
    if (kind.judge === 'onnxruntime') {
      const same = sameness(before, await resultsOf(variant.pruned ?? pair.pruned));
      if (kind.claim === 'harmless' && same === 'different')
        throw new Error(`${kind.name} changes what ${pair.name} computes: the kind is not harmless`);
      if (same !== (kind.claim === 'wrong' ? 'different' : 'same')) continue;
    }
    return await checkVariant(kind, pair, variant);
  }
  return null;
}

async function checkVariant(kind: Kind, pair: Pair, variant: Variant): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'prunegate-variant-'));
  try {
    const args = ['check', ...filesOf(folder, { ...pair, ...variant })];
    // What a check sees without execution need not be executed; what is harmless must pass both.
    const plain = kind.claim === 'wrong' ? await run(args) : null;
    const isPassed = plain === null || plain.exit === 0;
    const { exit, said } = isPassed ? await run([...args, '--execute']) : plain;
    const isKept = (kind.exits ?? (kind.claim === 'wrong' ? CAUGHT : FINE)).has(exit);
    return {
      kind,
      pair: pair.name,
      exit,
      isSeenUnexecuted: !isPassed,
      fault: isKept ? null : `${kind.name}, ${pair.name}: exit ${exit}\n${said}`,
      said,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Writes what is checked, and gives the flags that name it. */
export function filesOf(folder: string, { dense, pruned, spec }: Pick<Pair, 'dense' | 'pruned' | 'spec'>): string[] {
  const path = join(folder, 'spec.yaml');
  writeFileSync(path, JSON.stringify(spec));
  return [
    ...['--dense', dense.save(join(folder, 'dense.onnx'))],
    ...['--pruned', pruned.save(join(folder, 'pruned.onnx'))],
    ...['--spec', path],
  ];
}

/** Runs the bundle that users run. */
export function run(args: readonly string[]): Promise<{ readonly exit: number; readonly said: string }> {
  return new Promise((done) => {
    // No prunegate.yml lies where it is run.
    execFile(
      process.execPath,
      [CLI, ...args],
      { cwd: tmpdir(), timeout: 120_000, maxBuffer: 64 << 20 },
      (error, stdout, stderr) => {
        const exit = error === null ? 0 : typeof error.code === 'number' ? error.code : 4;
        done({ exit, said: `${stdout}${stderr}`.split('\n').slice(0, 24).join('\n') });
      },
    );
  });
}

/** Does `work` on all items, so many at a time, and keeps their order. */
export async function inTurns<T, R>(items: readonly T[], atOnce: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const at = next++;
      results[at] = await work(items[at]!);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}

export async function judged(pair: Pair): Promise<Results> {
  return await resultsOf(pair.pruned);
}
