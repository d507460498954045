import { intField, type Piece } from './pieces.ts';
import { dropped, rewriteMessage } from './rewrite.ts';
import { readValueInfo } from './value-info.ts';
import { peek, type Window } from './window.ts';

/** Fields from a ValueInfoProto to its dimensions: type, tensor_type, shape, dim (onnx.proto). */
const TO_DIMENSIONS = [2, 1, 2, 1];

/** Rewrites the next field, a ValueInfoProto, where its tensor has new sizes. */
export function rewriteValueInfo(
  window: Window,
  number: number,
  shapes: ReadonlyMap<string, readonly (number | null)[]>,
): readonly Piece[] | null {
  const { name } = peek(window, () => readValueInfo(window));
  const sizes = shapes.get(name) ?? [];
  let axis = 0;
  const descend = (at: number, depth: number): readonly Piece[] | null => {
    const next = TO_DIMENSIONS[depth];
    if (next === undefined) return rewriteDimension(window, at, sizes[axis++] ?? null);
    return rewriteMessage(window, at, (tag) => (tag === ((next << 3) | 2) ? descend(next, depth + 1) : 'unseen'));
  };
  return descend(number, 0);
}

/** TensorShapeProto.Dimension: a oneof of 1 dim_value and 2 dim_param; its denotation stays. */
function rewriteDimension(window: Window, number: number, size: number | null): readonly Piece[] | null {
  return rewriteMessage(
    window,
    number,
    (tag) => (size !== null && (tag >>> 3 === 1 || tag >>> 3 === 2) ? dropped(window, tag) : 'unseen'),
    () => (size === null ? [] : intField(1, size)),
  );
}
