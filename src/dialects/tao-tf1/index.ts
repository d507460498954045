import { knowsKey } from '../../config/validate.ts';
import { FLAGS } from '../tao/index.ts';
import type { Dialect } from '../types.ts';
import { namedPruner } from './named.ts';
import { readTf1Spec, SPELLINGS } from './spec.ts';
import { validateSpec } from './spec.validator.generated.js';
import { unnamedPruner } from './unnamed.ts';

const NAME = 'tao-tf1';

/**
 * NVIDIA TAO Toolkit's TensorFlow 1 pruner (NVIDIA/tao_tensorflow1_backend, nvidia_tao_tf1/core/pruning/pruning.py, release
 * 5.0.0).
 */
export const taoTf1: Dialect = {
  name: NAME,
  framework: 'TensorFlow',
  topKeys: ['network', 'ties'],
  takesFlags: true,
  knows: (key) => Object.hasOwn(SPELLINGS, key) || knowsKey(validateSpec, key),
  otherNames: FLAGS,
  readSpec(document) {
    const spec = readTf1Spec(document);
    return spec.network === null ? unnamedPruner(NAME, spec) : namedPruner(NAME, { ...spec, network: spec.network });
  },
};
