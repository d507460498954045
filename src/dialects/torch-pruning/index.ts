import type { Dialect } from '../types.ts';
import { expectTorch, readScores } from './expect.ts';
import { readTorchSpec, type TorchSpec } from './spec.ts';

/** Torch-Pruning's BasePruner (VainF/Torch-Pruning, torch_pruning/pruner/algorithms/base_pruner.py, release 1.6.1). */
export const torchPruning: Dialect = {
  name: 'torch-pruning',
  readSpec: readTorchSpec,
  // Only readSpec above makes the specs that come here.
  expect: (dense, spec, folding) => expectTorch(readScores(dense, spec as TorchSpec, folding), spec as TorchSpec),
  lint: () => [],
  readLog: () => ({ named: new Map(), rows: [] }),
  variants: () => [],
};
