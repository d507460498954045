import { knowsKey } from '../../config/validate.ts';
import { type Folding, type Network, onceFor } from '../../network/index.ts';
import type { Dialect } from '../types.ts';
import { expectTorch, readScores, torchOnlooker } from './expect.ts';
import { torchHypotheses } from './explain/hypotheses.ts';
import { lintTorch } from './explain/lint.ts';
import { FORMER_KEYS } from './former-keys.ts';
import { readTorchSpec } from './spec.ts';
import { validateSpec } from './spec.validator.generated.js';
import { readHistory } from './trace/history.ts';

export { readHistory };

const NAME = 'torch-pruning';

/** Torch-Pruning's BasePruner (VainF/Torch-Pruning, torch_pruning/pruner/algorithms/base_pruner.py, release 1.6.1). */
export const torchPruning: Dialect = {
  name: NAME,
  framework: 'PyTorch',
  topKeys: [],
  takesFlags: false,
  knows: (key) => knowsKey(validateSpec, key),
  otherNames: FORMER_KEYS,
  readSpec(document) {
    const spec = readTorchSpec(document);
    const scoresOf = onceFor((dense: Network, folding: Folding | null) => readScores(dense, spec, folding));
    return {
      name: NAME,
      spec,
      expect(dense, folding) {
        const scored = scoresOf(dense, folding);
        const expected = expectTorch(scored, spec);
        return {
          ...expected,
          lint: () => lintTorch(dense, spec, expected),
          hypotheses: (observed) => torchHypotheses(scored, spec, expected, observed),
        };
      },
      onlooker: (dense, folding) => torchOnlooker(scoresOf(dense, folding), spec),
      readLog: readHistory,
    };
  },
};
