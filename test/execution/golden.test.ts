import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { executionOf } from '../support/execution.ts';
import { fileIn } from '../support/fixture-files.ts';
import { FIXTURES, goldensIn, SHARED } from '../support/golden.ts';

/** On these two the real pruner itself went wrong: the model that it wrote does not compute what the dense one does. */
const BROKEN_BY_THE_PRUNER: Readonly<Record<string, { layer: string; why: RegExp }>> = {
  vgg_flatten_nchw: { layer: 'fc1', why: /fc1: the pruner itself cut its input columns for other channels/ },
  random_r2092_address_dependent: {
    layer: 'add_31',
    why: /Add joins channels of which the pruner itself cut different ones/,
  },
};

/** All of them, and their folded exports, take a minute: PRUNEGATE_ALL_GOLDENS=1 asks for it. */
const isThorough = process.env['PRUNEGATE_ALL_GOLDENS'] === '1';
const goldens = isThorough
  ? goldensIn(SHARED)
  : goldensIn(join(FIXTURES, 'golden')).filter(
      ({ name }) => !name.startsWith('random_') || name in BROKEN_BY_THE_PRUNER,
    );

describe.each(goldens)('$name', ({ name, folder }) => {
  const dense = fileIn(folder, 'dense.onnx');
  const files = ['pruned.onnx', 'pruned.folded.onnx'].map((file) => fileIn(folder, file)).filter(existsSync);
  const executed = isThorough ? files : files.slice(0, 1);
  const broken = BROKEN_BY_THE_PRUNER[name];

  it.runIf(broken === undefined).each(executed)(
    'computes what the dense model does with the same channels cut: %s',
    async (pruned) => {
      const execution = await executionOf(dense, pruned);
      expect(execution).toMatchObject({ verdict: 'equal', provider: 'cpu', fellBack: false, firstDifference: null });
      // Rounding, far from the tolerance: what is tolerated hides nothing here.
      expect(execution.maxRelDiff).toBeLessThan(1e-5);
    },
  );

  it.runIf(broken !== undefined).each(executed)(
    'differs, unless the pruner is known to be at fault: %s',
    async (pruned) => {
      const different = await executionOf(dense, pruned);
      expect(different).toMatchObject({ verdict: 'different', firstDifference: { layer: broken!.layer } });
      const excused = await executionOf(dense, pruned, {}, { isAsPruned: true });
      expect(excused.verdict).toBeNull();
      expect(excused.reason).toMatch(broken!.why);
    },
  );
});
