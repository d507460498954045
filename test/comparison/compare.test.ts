import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compareGraphs, type GraphComparison } from '../../src/comparison/index.ts';
import { recoverRetention } from '../../src/recovery/index.ts';
import { network, rows } from '../support/convs.ts';
import { fileIn, filesIn } from '../support/fixture-files.ts';
import { FIXTURES, networkOf, SHARED } from '../support/golden.ts';
import { op } from '../support/onnx-builder.ts';
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
        const files = filesIn(join(folder, name)).filter((file) => file.endsWith('.onnx'));
        const of = (start: string): string[] =>
          files.filter((file) => file.startsWith(start)).map((file) => fileIn(join(folder, name), file));
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

describe('a layer that is called twice on one tensor', () => {
  const called = (isTwice: boolean) =>
    network(
      [
        { name: 'a', from: 'x', kernel: rows(4, 2, 1) },
        { name: 'b', from: 'a', kernel: rows(3, 4, 2) },
        { name: 'c', from: isTwice ? 'again' : 'a', kernel: rows(3, 4, 3) },
      ],
      {
        nodes: isTwice ? [op('Conv', ['x', 'a.weight'], 'again', { name: 'a_again' })] : [],
        outputs: ['b', 'c'],
      },
    );

  it.each([
    [true, false],
    [false, true],
  ])('is one that is called once: %j, %j', (dense, pruned) => {
    const { correspondence } = recoverRetention(called(dense), called(pruned));
    expect(compareGraphs(correspondence)).toMatchObject({ differences: [], open: [] });
  });
});
