import type { OnnxNode } from '../../onnx/index.ts';
import type { Dim } from '../channels.ts';
import { knownIn, type Numbers } from '../numbers.ts';
import { attribute } from '../walk.ts';

/** A value that has something to do with what is computed; null where it is not known. */
export type Setting = string | number | readonly number[] | null;
export type Settings = Readonly<Record<string, Setting>>;

/** What a node comes to among operations. */
export type Form =
  /** Its first operand, moved, renamed or cast: where channels go is what `Network` follows. */
  | { readonly kind: 'same' }
  /** A function of each element of all operands, in their order. */
  | { readonly kind: 'pointwise' }
  /** Anything else, by name, on the operands that are computed. */
  | { readonly kind: 'operation'; readonly op: string; readonly settings: Settings };

/** What a node's normal form may look at. */
export interface NodeFacts {
  readonly node: OnnxNode;
  readonly opset: number;
  /** Sizes of input `k`; null where its rank is not known. */
  shape(k: number): readonly Dim[] | null;
  readonly outputShape: readonly Dim[] | null;
  /** The axis along which channels lie in input 0; null where there is none, or several. */
  readonly channelAxis: number | null;
  /** A small constant, or one computed from sizes. */
  numbers(k: number): Numbers | null;
  /** Whether input `k` hangs on sizes of tensors, so that cutting changes it. */
  isSized(k: number): boolean;
}

/** Channels that an operation takes: the network says which. */
export const SOME = 'some';

export const SAME: Form = { kind: 'same' };
export const POINTWISE: Form = { kind: 'pointwise' };

export function operation(op: string, settings: Settings = {}): Form {
  return { kind: 'operation', op, settings };
}

/** Integers of an input, or (older operator sets) of the attribute of the same meaning; null where they are not known, or not there. */
export function listed({ node, numbers }: NodeFacts, k: number, name: string): readonly number[] | null {
  const written = attribute(node, name, 'ints');
  if (written !== null) return written;
  const given = numbers(k);
  const known = given === null ? null : knownIn(given);
  return known === null ? null : Array.from(known);
}

/** A node's attributes as they stand, numbers and texts, without those that training alone uses. */
export function plainSettings(node: OnnxNode): Settings {
  const settings: Record<string, Setting> = {};
  for (const [name, found] of node.attributes) {
    if (name === 'momentum' || name === 'training_mode') continue;
    const isRead = found.kind === 'int' || found.kind === 'float' || found.kind === 'string' || found.kind === 'ints';
    settings[name] = isRead || found.kind === 'floats' ? found.value : null;
  }
  return settings;
}
