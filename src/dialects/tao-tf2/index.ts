import { knowsKey } from '../../config/validate.ts';
import { FLAGS, taoPruner } from '../tao/index.ts';
import type { Dialect } from '../types.ts';
import { TF2_RULES } from './rules.ts';
import { readTaoSpec } from './spec.ts';
import { validateSpec } from './spec.validator.generated.js';

const NAME = 'tao-tf2';

/**
 * NVIDIA TAO Toolkit's TensorFlow 2 pruner (NVIDIA/tao_tensorflow2_backend,
 * nvidia_tao_tf2/model_optimization/pruning/pruning.py, release 6.0.0).
 */
export const taoTf2: Dialect = {
  name: NAME,
  framework: 'TensorFlow',
  topKeys: ['task', 'ties'],
  takesFlags: false,
  knows: (key) => knowsKey(validateSpec, key),
  otherNames: FLAGS,
  readSpec: (document) => taoPruner(NAME, { rules: TF2_RULES, spec: readTaoSpec(document) }),
};
