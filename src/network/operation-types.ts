import type { OnnxNode } from '../onnx/index.ts';
import type { Network } from './types.ts';

export type Setting = string | number | readonly number[];
export type Settings = Readonly<Record<string, Setting>>;

/** What a node does to its operands, told alike however exporters write it: Clip from 0 to infinity is Relu, an Identity is nothing. */
export interface Operation {
  readonly op: string;
  /** Attributes and scalar operands by name, defaults filled in. What is not here is not known. */
  readonly settings: Settings;
  /** Positions of the operations that it reads. */
  readonly inputs: readonly number[];
  /** The layer with weights (by id), and which of its calls, that this is; null for another operation. */
  readonly call: { readonly layer: number; readonly call: number } | null;
  /** The node's name, for messages. */
  readonly name: string;
}

/** A network as what is computed from its inputs, operation by operation, in graph order. */
export interface Operations {
  readonly all: readonly Operation[];
  /** What makes each of the graph's outputs; null for one that is not computed from inputs. */
  readonly outputs: readonly (number | null)[];
}

/** What a node comes to: nothing but another operation, or an operation of its own. */
export type NormalForm = { readonly same: number } | Omit<Operation, 'name' | 'call'>;

/** What the normal form of a node may look at. */
export interface Surroundings {
  readonly network: Network;
  /** The operation that made an operand; undefined for a constant. */
  operand(name: string): number | undefined;
  at(operation: number): Operation;
  /** The node that makes a constant; undefined for a stored one. */
  constant(name: string): OnnxNode | undefined;
}
