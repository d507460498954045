import type { OnnxNode } from '../../onnx/index.ts';
import type { Numbers } from '../numbers.ts';
import type { LayerSort } from '../types.ts';
import type { Carry, Walk } from '../walk.ts';
import type { Form, NodeFacts } from './form.ts';

/** Results of a node whose operands are known, one for each output; null for one that cannot be computed, or for all. */
export type Evaluate = (walk: Walk, node: OnnxNode) => readonly (Numbers | null)[] | null;

/**
 * A function that is applied to each element of its operands (after broadcasting).
 * @returns null where it has no value, such as for a division by zero of integers
 */
export type Pointwise = (...operands: readonly number[]) => number | null;

/**
 * All that the house knows of one operator. What it does to channels, whether it mixes them, what of it follows them and what
 * has to be cut with them is `carry`'s to say, node by node.
 */
export interface Operator {
  /** Gives each output a value, places the node in its source layer, and adds cut sites, followers and couplings. */
  readonly carry: Carry;
  /**
   * 'weights': a constant operand is a layer's weight, and nearly all arithmetic of a model is in such nodes. 'layout': elements
   * are moved or renamed, and exporters add, merge and push such nodes about. 'sizes': only the size of an operand is read.
   */
  readonly role?: 'weights' | 'layout' | 'sizes';
  /** What a layer of it is in the source framework, where its kind does not say. */
  readonly sort?: LayerSort;
  /** Whether its result can be the same for quite different operands. */
  readonly saturates?: true;
  /** Inputs that say nothing where they hold zeros alone, as one that is left out does: states to begin with. */
  readonly states?: readonly number[];
  /** Whether it gives a constant another element type. */
  readonly casts?: true;
  /** Whether a vector that follows channels shifts or scales them, as a bias or a BatchNorm taken apart does. */
  readonly isAffine?: true;
  /** Computes what hangs on constants and sizes alone. */
  readonly evaluate?: Evaluate;
  /** For one that computes element by element: its function under a node's attributes; null where it is not known. */
  readonly pointwise?: (node: OnnxNode, isInteger: boolean) => Pointwise | null;
  /**
   * What the form of a node tells. 'all': two nodes of other forms compute something else for sure. 'same': of one form they
   * compute the same, but exporters write one thing in several ways that do not come to one form here. 'settings': and two nodes of
   * it that have other settings compute something else. Without it: nothing.
   */
  readonly tells?: 'all' | 'same' | 'settings';
  /** What a node of it is among others, the same however exporters write it. Without it: its attributes as they stand. */
  readonly form?: (facts: NodeFacts) => Form;
}
