import type { Dialect } from '../types.ts';
import { expectTao } from './expect.ts';
import { lintTao } from './lint.ts';
import { readNorms } from './norms.ts';
import { readTaoLog } from './reported.ts';
import { readTaoSpec } from './spec.ts';
import { taoVariants } from './variants.ts';

const NAME = 'tao-tf2';

/**
 * NVIDIA TAO Toolkit's TensorFlow 2 pruner (NVIDIA/tao_tensorflow2_backend,
 * nvidia_tao_tf2/model_optimization/pruning/pruning.py, release 6.0.0).
 */
export const taoTf2: Dialect = {
  name: NAME,
  topKeys: ['task'],
  readSpec(document) {
    const spec = readTaoSpec(document);
    return {
      name: NAME,
      spec,
      expect(dense, folding) {
        const norms = readNorms(dense, folding);
        const expected = expectTao(dense, spec, norms);
        return {
          ...expected,
          lint: (prunedFile) => lintTao(dense, spec, expected, prunedFile),
          variants: (observed) => taoVariants({ network: dense, spec, norms, folding }, observed),
        };
      },
      readLog: readTaoLog,
    };
  },
};
