import { type Settings, SOME } from './operators/form.ts';
import type { Pointwise } from './operators/operator.ts';

export type { Setting, Settings } from './operators/form.ts';

/** What an element-by-element function is applied to. */
export type Operand =
  /** The result of an operation, by position. */
  | { readonly kind: 'operation'; readonly at: number }
  | { readonly kind: 'number'; readonly value: number }
  /** A constant of several elements, by name. */
  | { readonly kind: 'constant'; readonly name: string }
  /** A number that hangs on sizes of tensors, or is not known. */
  | { readonly kind: 'unknown' };

/** What a node does to its operands, the same however exporters write it: an Identity is nothing, a mean over the map global pooling. */
export interface Operation {
  readonly op: string;
  /** Attributes and scalar operands by name, defaults filled in. */
  readonly settings: Settings;
  /** Positions of the operations that it reads, in the order of its operands. */
  readonly inputs: readonly number[];
  /** For a function of each element: which, and of what. */
  readonly pointwise: { readonly apply: Pointwise; readonly operands: readonly Operand[] } | null;
  /**
   * Whether another form at its place computes something else for sure ('all'), or one of the same operator does that has other
   * settings ('settings'), or the same form the same at least ('same'); 'nothing' where that is not known.
   */
  readonly tells: 'all' | 'settings' | 'same' | 'nothing';
  /** The layer with weights (by id), and which of its calls, that this is; null for another operation. */
  readonly call: { readonly layer: number; readonly call: number } | null;
  /** The node's name, and the tensor that it makes. */
  readonly name: string;
  readonly tensor: string;
}

/** A network as what is computed from its inputs, operation by operation, in graph order. */
export interface Operations {
  readonly all: readonly Operation[];
  /** Position of the operation that each tensor is the result of, laid out anew or not. */
  readonly made: ReadonlyMap<string, number>;
  /** What makes each of the graph's outputs; null for one that is not computed from inputs. */
  readonly outputs: readonly (number | null)[];
}

/** Whether operands are laid one behind another. */
export function isConcatenation({ op }: Pick<Operation, 'op'>): boolean {
  return op === 'Concat';
}

/** Whether an operation takes some of its operand's channels. */
export function takesChannels({ settings }: Pick<Operation, 'settings'>): boolean {
  return settings['channels'] === SOME;
}
