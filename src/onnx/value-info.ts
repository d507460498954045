import { dtypeOf } from './dtype.ts';
import { OBJECT_BYTES } from './limits.ts';
import type { OnnxValueInfo } from './model.ts';
import { charge, more, type Window } from './window.ts';
import { enter, leave, readInt32, readInt64, readString, readTag, saturated, skipField } from './wire.ts';

interface ValueDraft {
  name: string;
  code: number;
  shape: (number | string | null)[] | null;
}

/** Reads the next field, a ValueInfoProto: 1 name, 2 type. Types other than tensors keep dtype 'undefined' and no shape. */
export function readValueInfo(window: Window): OnnxValueInfo {
  charge(window, OBJECT_BYTES);
  const draft: ValueDraft = { name: '', code: 0, shape: null };
  const outer = enter(window);
  while (more(window)) {
    const tag = readTag(window);
    if (tag === ((1 << 3) | 2)) draft.name = readString(window);
    else if (tag === ((2 << 3) | 2)) readType(window, draft);
    else skipField(window, tag);
  }
  leave(window, outer);
  return { name: draft.name, dtype: dtypeOf(draft.code), shape: draft.shape };
}

/** TypeProto: a oneof of 1 tensor_type, 4 sequence_type, 5 map_type, 7 opaque_type, 8 sparse_tensor_type, 9 optional_type; the last one counts. */
function readType(window: Window, draft: ValueDraft): void {
  const outer = enter(window);
  while (more(window)) {
    const tag = readTag(window);
    if (tag === ((1 << 3) | 2)) readTensorType(window, draft);
    else {
      if ((tag & 7) === 2 && [4, 5, 7, 8, 9].includes(tag >>> 3)) {
        draft.code = 0;
        draft.shape = null;
      }
      skipField(window, tag);
    }
  }
  leave(window, outer);
}

/** TypeProto.Tensor: 1 elem_type, 2 shape. */
function readTensorType(window: Window, draft: ValueDraft): void {
  const outer = enter(window);
  while (more(window)) {
    const tag = readTag(window);
    if (tag === ((1 << 3) | 0)) draft.code = readInt32(window);
    else if (tag === ((2 << 3) | 2)) {
      draft.shape ??= [];
      readShape(window, draft.shape);
    } else skipField(window, tag);
  }
  leave(window, outer);
}

/** TensorShapeProto: 1 dim. */
function readShape(window: Window, shape: (number | string | null)[]): void {
  const outer = enter(window);
  while (more(window)) {
    const tag = readTag(window);
    if (tag === ((1 << 3) | 2)) shape.push(readDimension(window));
    else skipField(window, tag);
  }
  leave(window, outer);
}

/** TensorShapeProto.Dimension: a oneof of 1 dim_value and 2 dim_param. */
function readDimension(window: Window): number | string | null {
  charge(window, OBJECT_BYTES);
  let dimension: number | string | null = null;
  const outer = enter(window);
  while (more(window)) {
    const tag = readTag(window);
    if (tag === ((1 << 3) | 0)) dimension = saturated(readInt64(window));
    else if (tag === ((2 << 3) | 2)) dimension = readString(window);
    else skipField(window, tag);
  }
  leave(window, outer);
  return dimension;
}
