import type { TaoRules } from '../tao/rules.ts';
import { settingsInName } from './file-name.ts';

/** A conv with this in its name keeps everything (EfficientDet's feature pyramid). */
export const FPN_CELL = 'fpn_cell';

export const TF2_RULES: TaoRules = {
  isKeptByName: ({ name }) => name.includes(FPN_CELL),
  unequalShapes: ([a, b]) => `Inputs have incompatible shapes. Received shapes ${a} and ${b}`,
  settingsInName,
  builtIn:
    'predictions and the other layers that TAO excludes by name: was the pruner run outside its classification or EfficientDet task?',
};
