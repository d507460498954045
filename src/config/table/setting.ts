import type { Kind } from '../kinds.ts';
import type { Louder, Stricter } from '../strictness.ts';

export const COMMAND_NAMES = [
  'check',
  'expect',
  'recover',
  'run',
  'explain',
  'prune',
  'plan',
  'merge',
  'init',
  'doctor',
  'lock',
] as const;
export type CommandName = (typeof COMMAND_NAMES)[number];

/** One thing that a user can set. */
export interface Setting<T, D extends T | null> {
  readonly kind: Kind<T>;
  /** What it does, as a clause that begins small. Code stands between backticks, which `--help` leaves out. */
  readonly help: string;
  /** The commands that take it as a flag. */
  readonly flag?: readonly CommandName[];
  /** Whether the flag has to be given. */
  readonly isRequired?: boolean;
  /** Whether there is a flag `--no-...`, beside the other or alone. */
  readonly negation?: 'too' | 'only';
  /** What that flag does, where it does not overrule prunegate.yml. */
  readonly negationHelp?: string;
  /** Whether the action has it as an input. */
  readonly input?: boolean;
  /** Whose key it is in prunegate.yml: a model's (at its top level where it has but one), or that of all models. */
  readonly file?: 'model' | 'all';
  /**
   * What it means to the gate where a pull request changes it in prunegate.yml: the stricter side wins, and a weaker one fails; reviewers are shown
   * that it changed; or they are, and the louder side wins, for what says how they are reported silences nothing by itself.
   */
  readonly policy?: Stricter<T> | Louder<T> | 'shown';
  /** Its key there, where that is another than the flag's and the input's name. */
  readonly key?: string;
  /** The expression whose value action.yml gives it, where nothing but the workflow can know it. */
  readonly actionDefault?: string;
  /** Where nobody gives it. */
  readonly default: D;
  /** What holds where nobody gives it and there is no default. */
  readonly otherwise?: string;
}

type Row<T> = Omit<Setting<T, null>, 'default'>;

export function setting<T>(row: Row<T> & { readonly default: NoInfer<T> }): Setting<T, T>;
export function setting<T>(row: Row<T>): Setting<T, null>;
export function setting<T>(row: Row<T> & { readonly default?: NoInfer<T> }): Setting<T, T | null> {
  return { default: null, ...row };
}

/** Commands that take one model of prunegate.yml, or all. */
export const MODELS = ['check', 'expect', 'recover', 'run', 'explain', 'prune', 'lock'] as const;
/** Commands that check models by all that is given of them. */
export const CHECKING = ['check', 'lock'] as const;
/** Commands that execute both models. */
export const EXECUTING = ['check', 'run'] as const;
/** Commands that print layers. */
export const SHOWING = ['check', 'expect', 'recover', 'run', 'explain'] as const;
