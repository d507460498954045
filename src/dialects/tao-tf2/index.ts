import type { Dialect } from '../types.ts';
import { expectTao, type TaoExpectation } from './expect.ts';
import { lintTao } from './lint.ts';
import { readNorms } from './norms.ts';
import { readTaoLog } from './reported.ts';
import { readTaoSpec, type TaoSpec } from './spec.ts';
import { taoVariants } from './variants.ts';

/**
 * NVIDIA TAO Toolkit's TensorFlow 2 pruner (NVIDIA/tao_tensorflow2_backend,
 * nvidia_tao_tf2/model_optimization/pruning/pruning.py, release 6.0.0).
 */
export const taoTf2: Dialect = {
  name: 'tao-tf2',
  readSpec: readTaoSpec,
  // Only readSpec above makes the specs that come here, and only expect the expectations.
  expect: (dense, spec, folding) => expectTao(dense, spec as TaoSpec, readNorms(dense, folding)),
  lint: (dense, spec, expectation, prunedFile) =>
    lintTao(dense, spec as TaoSpec, expectation as TaoExpectation, prunedFile),
  readLog: readTaoLog,
  variants: (dense, spec, observed) => taoVariants(dense, spec as TaoSpec, observed),
};
