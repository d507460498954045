import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileIn } from '../support/fixture-files.ts';
import { sizesOf } from './judge.ts';
import type { Pair } from './kind.ts';
import { Model } from './model.ts';
import { filesOf, run } from './run.ts';
import { ZOO_SPEC, zoo } from './zoo.ts';

const CLI = join(import.meta.dirname, '../../dist/cli.cjs');

/** Larger models take longer and tell nothing more. */
const MAX_BYTES = 1_500_000;

/** Pairs of a folder of goldens that were exported without folding. */
export function pairsIn(folder: string): Pair[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const [golden, dense, pruned] = ['golden.json', 'dense.onnx', 'pruned.onnx'].map((file) =>
        fileIn(join(folder, name), file),
      );
      if (![golden, dense, pruned].every((file) => existsSync(file!)) || statSync(dense!).size > MAX_BYTES) return [];
      const { prune, spec } = JSON.parse(readFileSync(golden!, 'utf8'));
      // Scores of a file are relative to the spec.
      if (JSON.stringify(spec ?? prune).includes('.npz')) return [];
      return [{ name, spec: spec ?? { prune }, dense: Model.read(dense!), pruned: Model.read(pruned!), prune: built }];
    });
}

/** Runs `prunegate prune`; null where it refuses. */
function built(dense: Model, spec: Readonly<Record<string, unknown>>): Model | null {
  const folder = mkdtempSync(join(tmpdir(), 'prunegate-built-'));
  try {
    const [path, out] = [join(folder, 'spec.yaml'), join(folder, 'pruned.onnx')];
    writeFileSync(path, JSON.stringify(spec));
    const args = [
      'prune',
      '--dense',
      dense.save(join(folder, 'dense.onnx')),
      '--spec',
      path,
      '--out',
      out,
      '--folding',
      'raw',
    ];
    const { status } = spawnSync(process.execPath, [CLI, ...args], { encoding: 'utf8' });
    return status === 0 ? Model.read(out) : null;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Nets with what the goldens lack, cut by the built-in pruner. */
export function zooPairs(): Pair[] {
  return [1, 2, 3].flatMap((seed) => {
    const dense = Model.of(zoo(seed));
    const pruned = built(dense, ZOO_SPEC);
    return pruned === null ? [] : [{ name: `zoo_${seed}`, spec: ZOO_SPEC, dense, pruned, prune: built }];
  });
}

/** A pair with the sizes of what its models compute; null where a check of it as it is does not conform. */
export async function rightPair(pair: Pair): Promise<Pair | null> {
  const folder = mkdtempSync(join(tmpdir(), 'prunegate-pair-'));
  try {
    const { exit } = await run(['check', ...filesOf(folder, pair), '--execute']);
    if (exit !== 0) return null;
    const [dense, pruned] = [await sizesOf(pair.dense), await sizesOf(pair.pruned)];
    return { ...pair, dense: pair.dense.sized(dense), pruned: pair.pruned.sized(pruned) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
