import { codeOf } from './dtype.ts';
import type { NodeEdit, TensorContent } from './edits.ts';
import type { OnnxAttribute, OnnxTensor } from './model.ts';
import { field, intField, intFields, type Piece, textField } from './pieces.ts';
import { dropped, rewriteMessage } from './rewrite.ts';
import { type ElementSink, rewriteTensor, tensorContent } from './rewrite-tensor.ts';
import { more, peek, type Window } from './window.ts';
import { enter, leave, readString, readTag, skipField } from './wire.ts';

/** AttributeProto.AttributeType (onnx.proto). */
const TYPE_INT = 2;
const TYPE_TENSOR = 4;
const TYPE_INTS = 7;

/** Attributes by which a Constant gives numbers without a TensorProto. */
const INLINE_VALUES = new Set(['value_float', 'value_floats', 'value_int', 'value_ints']);

/** What one node's rewriting needs. */
export interface NodeContext {
  readonly sink: ElementSink;
  /** Rewrites the next field, a graph inside an attribute. */
  subgraph(window: Window, number: number): readonly Piece[] | null;
}

/**
 * Rewrites the next field, a NodeProto: 1 input, 5 attribute.
 * @param constant new content of a Constant node, with the tensor that it stands for
 */
export function rewriteNode(
  window: Window,
  number: number,
  context: NodeContext,
  edit: NodeEdit,
  constant: { readonly tensor: OnnxTensor; readonly content: TensorContent } | null,
): readonly Piece[] | null {
  const attributes = new Map(edit.attributes);
  let inputs = 0;
  return rewriteMessage(
    window,
    number,
    (tag) => {
      if (tag === ((1 << 3) | 2)) {
        const name = edit.inputs?.get(inputs++);
        if (name === undefined) return 'unseen';
        skipField(window, tag);
        return textField(1, name);
      }
      if (tag !== ((5 << 3) | 2)) return 'unseen';
      const name = peek(window, () => attributeName(window));
      const value = attributes.get(name);
      attributes.delete(name);
      if (value === null || (constant !== null && INLINE_VALUES.has(name))) return dropped(window, tag);
      if (value !== undefined) return rewriteInts(window, value);
      return rewriteAttribute(window, context, name === 'value' ? (constant?.content ?? null) : null);
    },
    () => [
      ...missingInputs(edit.inputs, inputs),
      ...[...attributes].flatMap(([name, value]) => (value === null ? [] : newInts(name, value))),
      ...(constant?.tensor.storage.kind === 'inline' ? newValue(constant.tensor, constant.content, context.sink) : []),
    ],
  );
}

/** Inputs behind the last one; those left out between are empty names. */
function missingInputs(inputs: NodeEdit['inputs'], present: number): Piece[] {
  const last = Math.max(present - 1, ...(inputs?.keys() ?? []));
  return Array.from({ length: last + 1 - present }, (_, k) => textField(1, inputs?.get(present + k) ?? '')).flat();
}

/** AttributeProto: 1 name. */
function attributeName(window: Window): string {
  let name = '';
  const outer = enter(window);
  while (more(window)) {
    const tag = readTag(window);
    if (tag === ((1 << 3) | 2)) name = readString(window);
    else skipField(window, tag);
  }
  leave(window, outer);
  return name;
}

/** 3 i, 8 ints, 20 type. */
function rewriteInts(window: Window, value: number | readonly number[]): readonly Piece[] | null {
  const isValue = (tag: number): boolean => [3, 8, 20].includes(tag >>> 3);
  return rewriteMessage(
    window,
    5,
    (tag) => (isValue(tag) ? dropped(window, tag) : 'unseen'),
    () => intsOf(value),
  );
}

function intsOf(value: number | readonly number[]): Piece[] {
  return typeof value === 'number'
    ? [...intField(3, value), ...intField(20, TYPE_INT)]
    : [...intFields(8, value), ...intField(20, TYPE_INTS)];
}

function newInts(name: string, value: number | readonly number[]): Piece[] {
  return field(5, [...textField(1, name), ...intsOf(value)]);
}

/** The attribute `value` of a Constant that had its numbers in another: 5 t, in it 2 data_type. */
function newValue(tensor: OnnxTensor, content: TensorContent, sink: ElementSink): Piece[] {
  const proto = field(5, [...intField(2, codeOf(tensor.dtype)), ...tensorContent(tensor, content, sink)]);
  return field(5, [...textField(1, 'value'), ...proto, ...intField(20, TYPE_TENSOR)]);
}

/** AttributeProto: 5 t, 6 g, 10 tensors, 11 graphs, 22 sparse_tensor, 23 sparse_tensors. */
function rewriteAttribute(
  window: Window,
  context: NodeContext,
  content: TensorContent | null,
): readonly Piece[] | null {
  return rewriteMessage(window, 5, (tag) => {
    switch (tag) {
      case (5 << 3) | 2:
        return rewriteTensor(window, 5, context.sink, () => content);
      case (10 << 3) | 2:
        return rewriteTensor(window, 10, context.sink);
      case (6 << 3) | 2:
      case (11 << 3) | 2:
        return context.subgraph(window, tag >>> 3);
      case (22 << 3) | 2:
      case (23 << 3) | 2:
        return rewriteSparse(window, tag >>> 3, context.sink);
      default:
        return 'unseen';
    }
  });
}

/** SparseTensorProto: 1 values, 2 indices. */
export function rewriteSparse(window: Window, number: number, sink: ElementSink): readonly Piece[] | null {
  return rewriteMessage(window, number, (tag) =>
    tag === ((1 << 3) | 2) || tag === ((2 << 3) | 2) ? rewriteTensor(window, tag >>> 3, sink) : 'unseen',
  );
}

/** Whether a node holds tensors that may lie in other files, or that the reader passed over. */
export function mayHoldExternal(attributes: Iterable<OnnxAttribute>): boolean {
  for (const attribute of attributes) {
    if (attribute.kind === 'other' || attribute.kind === 'graph' || attribute.kind === 'graphs') return true;
    if (attribute.kind === 'tensor' && attribute.value.storage.kind === 'external') return true;
  }
  return false;
}
