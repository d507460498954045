import type { Dialect } from '../types.ts';
import { expectTao } from './expect.ts';
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
  // Only readSpec above makes the specs that come here.
  expect: (dense, spec, folding) => expectTao(dense, spec as TaoSpec, readNorms(dense, folding)),
  readLog: readTaoLog,
  variants: (dense, spec, folding) => taoVariants(dense, spec as TaoSpec, folding),
};
