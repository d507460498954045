import type { Dialect } from '../types.ts';
import { expectTorch, readScores, type TorchExpectation } from './expect.ts';
import { readHistory } from './history.ts';
import { lintTorch } from './lint.ts';
import { readTorchSpec, type TorchSpec } from './spec.ts';
import { torchVariants } from './variants.ts';

/** Torch-Pruning's BasePruner (VainF/Torch-Pruning, torch_pruning/pruner/algorithms/base_pruner.py, release 1.6.1). */
export const torchPruning: Dialect = {
  name: 'torch-pruning',
  readSpec: readTorchSpec,
  // Only readSpec above makes the specs that come here, and only expect the expectations.
  expect: (dense, spec, folding) => expectTorch(readScores(dense, spec as TorchSpec, folding), spec as TorchSpec),
  lint: (dense, spec, expectation) => lintTorch(dense, spec as TorchSpec, expectation as TorchExpectation),
  readLog: readHistory,
  variants: (dense, spec, observed) => torchVariants(dense, spec as TorchSpec, observed),
};
