import type { Layer } from '../../network/index.ts';
import type { KerasClass } from './keras.ts';
import type { Criterion, TaoSpec } from './spec.ts';

/** In what TAO's pruners differ; all else in this folder is what they do alike. */
export interface TaoRules {
  /** Whether a layer keeps every filter by its name, where its own rule or a depthwise partner's is applied: equalization asks for exclusions alone. */
  isKeptByName(layer: Layer): boolean;
  /** Whether WeightedFusion is an element-wise layer like others, or keeps its parents whole. */
  readonly fusion: 'equalizes' | 'keeps-whole';
  /** Whether a layer's output stays one though another layer reads it. */
  keepsOutput(layer: string): boolean;
  /** What Keras says of shapes that do not fit one element-wise layer. */
  unequalShapes(shapes: readonly [string, string]): string;
  /** What Keras says of weights that do not fit a layer. */
  unfitWeights(unfit: UnfitWeights): string;
  /** Python's name of a Keras class. */
  classPath(name: KerasClass): string;
  /** Settings that the name of a pruned file tells. */
  settingsInName(path: string): NamedSettings;
  /** What TAO's scripts exclude beside the user's list, and when a run does without, to end a sentence with. */
  readonly builtIn: string;
}

/** A layer of the rebuilt model, and the weights that it should take. */
export interface UnfitWeights {
  readonly layer: string;
  /** Channels that reach it, and channels for which its weights are cut. */
  readonly width: number;
  readonly cut: number;
  /** Shapes as Keras prints them; null where they are not known. */
  readonly shapes: { readonly layer: string; readonly weights: string } | null;
}

export interface NamedSettings {
  readonly threshold: number | null;
  readonly criterion: Criterion | null;
}

/** A pruner's rules with what it is given. */
export interface TaoPruner {
  readonly rules: TaoRules;
  readonly spec: TaoSpec;
}
