import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { alignNames, foldLike } from '../src/network/index.ts';
import { recoverRetention } from '../src/recovery/index.ts';
import { networkOf } from './support/golden.ts';
import { FIXTURES, SHARED, torchGoldensIn } from './support/torch-golden.ts';

const fixtures = torchGoldensIn(FIXTURES);
const others = torchGoldensIn(SHARED).filter(({ name }) => !fixtures.some((fixture) => fixture.name === name));
const goldens = [...fixtures, ...others];

describe.skipIf(others.length === 0)('goldens beside the project (skipped where ../shared is not there)', () => {
  it('are tested with those in the project', () => expect(others.length).toBeGreaterThan(0));
});

/** The exports of one pruned model, each with the dense model that it is held against. */
const PAIRS = [
  ['dense.onnx', 'pruned.onnx'],
  ['dense.onnx', 'pruned.folded.onnx'],
  ['dense.onnx', 'pruned.dynamo.onnx'],
  ['dense.folded.onnx', 'pruned.folded.onnx'],
  ['dense.dynamo.onnx', 'pruned.dynamo.onnx'],
] as const;

describe.each(goldens)('$name', (golden) => {
  const pairs = PAIRS.filter(([, pruned]) => existsSync(join(golden.folder, pruned)));

  it.each(pairs)('%s names its layers as PyTorch does, and %s gives back what they retain', (denseFile, prunedFile) => {
    const dense = networkOf(join(golden.folder, denseFile));
    expect([...dense.prunable.values()].map(({ name, filters }) => [name, filters])).toEqual(
      Object.entries(golden.layers).map(([name, { filters }]) => [name, filters]),
    );
    const { pruned } = alignNames(dense, networkOf(join(golden.folder, prunedFile)));
    const recovery = recoverRetention(foldLike(dense, pruned), pruned);
    expect(recovery).toMatchObject({ extra: [], elsewhere: [] });
    for (const [name, { retained }] of Object.entries(golden.layers)) {
      expect(recovery.layers.get(name), name).toEqual({
        name,
        kernel: { kind: 'exact' },
        actual: retained,
        isPermuted: false,
        duplicated: [],
        disagreements: [],
      });
    }
  });
});
