import type { Layer } from '../../network/index.ts';
import type { Criterion, TaoSpec } from './spec.ts';

/** In what TAO's pruners differ; all else in this folder is what they do alike. */
export interface TaoRules {
  /** Whether a layer keeps every filter by its name, where its own rule or a depthwise partner's is applied: equalization asks for exclusions alone. */
  isKeptByName(layer: Layer): boolean;
  /** Keras prints the shapes that do not fit one element-wise layer differently. */
  unequalShapes(shapes: readonly [string, string]): string;
  /** Settings that the name of a pruned file tells. */
  settingsInName(path: string): NamedSettings;
  /** What TAO's scripts exclude beside the user's list, and when a run does without, to end a sentence with. */
  readonly builtIn: string;
}

export interface NamedSettings {
  readonly threshold: number | null;
  readonly criterion: Criterion | null;
}

/** A pruner's rules with what it is told. */
export interface TaoPruner {
  readonly rules: TaoRules;
  readonly spec: TaoSpec;
}
