import { bytesOf } from './dtype.ts';
import type { TensorContent } from './edits.ts';
import type { OnnxTensor } from './model.ts';
import { intFields, type Piece } from './pieces.ts';
import { dropped, rewriteMessage } from './rewrite.ts';
import { draftTensor, finishTensor, readTensorHeader } from './tensor-header.ts';
import { tensorKey } from './tensor-key.ts';
import { peek, type Window } from './window.ts';

/** What is known of a tensor before its elements are placed. */
export type PlacedTensor = Pick<OnnxTensor, 'name' | 'dtype' | 'storage'>;

/** Where the elements of the copy's tensors go. */
export interface ElementSink {
  /** TensorProto fields that hold the elements, or tell where they lie. */
  place(tensor: PlacedTensor, content: { readonly length: number } & Pick<TensorContent, 'chunks'>): readonly Piece[];
  /** The elements of a tensor that does not change, where they must move; null where it is copied as it is. */
  moved(tensor: OnnxTensor): readonly Piece[] | null;
}

/** TensorProto's fields (onnx.proto) that hold dims and elements: dims, the typed data, raw_data, external_data and data_location. */
const CONTENT = new Set([1, 4, 5, 7, 9, 10, 11, 13, 14]);
/** Those that say where the elements are. */
const ELEMENTS = new Set([4, 5, 7, 9, 10, 11, 13, 14]);

/**
 * Rewrites the next field, a TensorProto.
 * @param editOf its new content; null where it stays
 */
export function rewriteTensor(
  window: Window,
  number: number,
  sink: ElementSink,
  editOf: (tensor: OnnxTensor) => TensorContent | null = () => null,
): readonly Piece[] | null {
  const tensor = peekTensor(window);
  const edit = editOf(tensor);
  if (edit !== null) {
    const content = tensorContent(tensor, edit, sink);
    return rewriteMessage(
      window,
      number,
      (tag) => (CONTENT.has(tag >>> 3) ? dropped(window, tag) : 'unseen'),
      () => content,
    );
  }
  const moved = sink.moved(tensor);
  return rewriteMessage(
    window,
    number,
    (tag) => (moved !== null && ELEMENTS.has(tag >>> 3) ? dropped(window, tag) : 'unseen'),
    () => moved ?? [],
  );
}

/** The next field, a TensorProto, without moving on. */
export function peekTensor(window: Window): OnnxTensor {
  return peek(window, () => {
    const draft = draftTensor(window);
    readTensorHeader(window, draft);
    return finishTensor(window, draft);
  });
}

/** Fields for a tensor's new dims and elements. */
export function tensorContent(tensor: PlacedTensor, edit: TensorContent, sink: ElementSink): Piece[] {
  const elements = edit.dims.reduce((n, d) => n * d, 1);
  const length = bytesOf(tensor.dtype, elements);
  if (length === null) throw new Error(`${tensorKey(tensor.name)}: ${tensor.dtype} elements cannot be written`);
  return [...intFields(1, edit.dims), ...sink.place(tensor, { length, chunks: edit.chunks })];
}
