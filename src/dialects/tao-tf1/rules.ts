import type { TaoRules } from '../tao/rules.ts';

export const TF1_RULES: TaoRules = {
  isKeptByName: () => false,
  unequalShapes: ([a, b]) => `Operands could not be broadcast together with shapes ${a} ${b}`,
  settingsInName: () => ({ threshold: null, criterion: null }),
  builtIn:
    "the model's outputs and the layers that the network's prune command excludes by name: was another network's command run, or the pruner by itself?",
};
