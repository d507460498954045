import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compareGraphs, type GraphComparison } from '../../src/comparison/index.ts';
import { recoverRetention } from '../../src/recovery/index.ts';
import { FIXTURES, networkOf, SHARED } from '../support/golden.ts';
import { SHARED as SHARED_TORCH } from '../support/torch-golden.ts';

function compared(dense: string, pruned: string): GraphComparison {
  return compareGraphs(recoverRetention(networkOf(dense), networkOf(pruned)).correspondence);
}

/** Right models: every pair of a dense and a pruned export of one golden. */
const pairs = [join(FIXTURES, 'golden'), join(FIXTURES, 'torch'), SHARED, SHARED_TORCH]
  .filter(existsSync)
  .flatMap((folder) =>
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap(({ name }) => {
        const files = readdirSync(join(folder, name)).filter((file) => file.endsWith('.onnx'));
        const of = (start: string): string[] =>
          files.filter((file) => file.startsWith(start)).map((file) => join(folder, name, file));
        return of('dense').flatMap((dense) => of('pruned').map((pruned) => [dense, pruned] as const));
      }),
  );

describe('the graph of a right model', () => {
  it.each(pairs)('is the dense one: %s, %s', (dense, pruned) => {
    const { differences, open } = compared(dense, pruned);
    expect(differences).toEqual([]);
    expect(open).toEqual([]);
  });
});
