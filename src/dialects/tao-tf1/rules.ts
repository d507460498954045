import type { KerasClass } from '../tao/keras.ts';
import type { TaoRules } from '../tao/rules.ts';

/** Keras 2.2.4. */
const CLASSES: Readonly<Record<KerasClass, string>> = {
  PReLU: 'keras.layers.advanced_activations.PReLU',
  Minimum: 'keras.layers.merge.Minimum',
  GlobalMaxPooling2D: 'keras.layers.pooling.GlobalMaxPooling2D',
};

/** Names that stay outputs though other layers read them (pruning.py:1495). */
const KEPT_OUTPUTS = [
  ...['rpn_out', 'permute', 'post_hoc', 'p6', 'proposal_assignment', 'foreground_selector_for_mask', 'gpu_detections'],
];

export const TF1_RULES: TaoRules = {
  isKeptByName: () => false,
  fusion: 'equalizes',
  keepsOutput: (layer) => KEPT_OUTPUTS.some((part) => layer.includes(part)),
  unequalShapes: ([a, b]) => `Operands could not be broadcast together with shapes ${a} ${b}`,
  unfitWeights: ({ width, cut, shapes }) =>
    `Layer weight shape ${shapes?.layer ?? `for ${width} channels`} not compatible with provided weight shape ${shapes?.weights ?? `for ${cut}`}`,
  classPath: (name) => CLASSES[name],
  settingsInName: () => ({ threshold: null, criterion: null }),
  builtIn:
    "the model's outputs and the layers that the network's prune command excludes by name: was another network's command run, or the pruner by itself?",
};
