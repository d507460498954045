import type { ByteSource } from '../bytes/index.ts';
import { InputError } from '../errors/input-error.ts';
import type { ModelEdits } from './edits.ts';
import { type ExternalPlan, externalSink, inlineSink } from './element-sinks.ts';
import { COPY_CHUNK_BYTES, MAX_MODEL_BYTES } from './limits.ts';
import type { OnnxModel } from './model.ts';
import { lengthOf, type Piece } from './pieces.ts';
import { rewriteModel } from './rewrite-model.ts';

/** A copy of a model in which some things are changed, as pieces of bytes. */
export interface ModelCopy {
  readonly model: readonly Piece[];
  /** Its external data, and the name beside the copy under which the copy looks for it; null where it has none. */
  readonly data: { readonly location: string; readonly pieces: readonly Piece[] } | null;
  /** Bytes of both. */
  readonly bytes: number;
}

/**
 * Plans a copy of a model. All that does not change is copied byte for byte; the same model and edits give the same bytes.
 * Tensors with external data keep it external, in one new file `<name>.data` beside the copy.
 * @throws InputError for what cannot be carried over
 */
export function copyOf(model: OnnxModel, edits: ModelEdits, name: string): ModelCopy {
  const plan: ExternalPlan = { location: `${name}.data`, pieces: [], size: 0 };
  const pieces = rewriteModel(model, edits, externalSink(model, plan));
  const data = plan.size > 0 ? { location: plan.location, pieces: plan.pieces } : null;
  return { model: pieces, data, bytes: lengthOf(pieces) + plan.size };
}

/**
 * The bytes of the copy that `copyOf` plans, with external data taken into it.
 * @throws InputError for a model of 2 GiB or more, which no protobuf reader takes: write it to a file
 */
export function modelBytes(model: OnnxModel, edits: ModelEdits): Uint8Array {
  const pieces = rewriteModel(model, edits, inlineSink(model));
  const length = lengthOf(pieces);
  if (length >= MAX_MODEL_BYTES) {
    throw new InputError(`takes ${length} bytes in one piece; ONNX models in memory hold less than 2 GiB`, {
      file: model.name,
    });
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunksOf(model.source, pieces)) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** The bytes of pieces; a chunk lasts until the next is asked for. */
export function* chunksOf(source: ByteSource, pieces: readonly Piece[]): Generator<Uint8Array> {
  const buffer = new Uint8Array(COPY_CHUNK_BYTES);
  for (const piece of pieces) {
    if (piece.kind === 'bytes') yield piece.bytes;
    else if (piece.kind === 'made') yield* exactly(piece);
    else {
      for (let done = 0; done < piece.length; done += buffer.length) {
        const length = Math.min(buffer.length, piece.length - done);
        source.read(buffer, piece.offset + done, length);
        yield buffer.subarray(0, length);
      }
    }
  }
}

/** Too few or too many bytes would shift all that follows. */
function* exactly({ length, what, chunks }: Extract<Piece, { kind: 'made' }>): Generator<Uint8Array> {
  let made = 0;
  for (const chunk of chunks()) {
    made += chunk.length;
    if (made > length) break;
    yield chunk;
  }
  if (made !== length) throw new Error(`${what}: ${made} bytes were made where ${length} belong`);
}
