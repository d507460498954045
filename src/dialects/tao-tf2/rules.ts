import type { KerasClass } from '../tao/keras.ts';
import type { TaoRules } from '../tao/rules.ts';
import { settingsInName } from './file-name.ts';

/** A conv with this in its name keeps everything (EfficientDet's feature pyramid). */
export const FPN_CELL = 'fpn_cell';

/** keras 2.15; what stands before the last dot is another in each version. */
const CLASSES: Readonly<Record<KerasClass, string>> = {
  PReLU: 'keras.src.layers.activation.prelu.PReLU',
  Minimum: 'keras.src.layers.merging.minimum.Minimum',
  GlobalMaxPooling2D: 'keras.src.layers.pooling.global_max_pooling2d.GlobalMaxPooling2D',
};

export const TF2_RULES: TaoRules = {
  isKeptByName: ({ name }) => name.includes(FPN_CELL),
  unequalShapes: ([a, b]) => `Inputs have incompatible shapes. Received shapes ${a} and ${b}`,
  unfitWeights: ({ layer, width, cut }) =>
    `Layer ${layer} weight shape is not compatible with provided weight shape (its input has ${width} channels, its kernel is cut for ${cut})`,
  keepsOutput: () => false,
  fusion: 'keeps-whole',
  classPath: (name) => CLASSES[name],
  settingsInName,
  builtIn:
    'predictions and the other layers that TAO excludes by name: was the pruner run outside its classification or EfficientDet task?',
};
