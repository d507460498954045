import type { OnnxModel } from './model.ts';
import { field, textField } from './pieces.ts';

/**
 * Bytes that, put behind those of a model, make tensors of its graph outputs too, without a type: protobuf merges a message that
 * stands twice (https://protobuf.dev/programming-guides/encoding/#last-one-wins). Taken away again they leave the model as it was.
 * @param names of tensors; those that are outputs already are passed over
 */
export function moreOutputs({ graph }: OnnxModel, names: Iterable<string>): Uint8Array {
  const known = new Set(graph.outputs.map(({ name }) => name));
  // ModelProto: 7 graph. GraphProto: 12 output. ValueInfoProto: 1 name.
  const outputs = [...new Set(names)]
    .filter((name) => !known.has(name))
    .flatMap((name) => field(12, textField(1, name)));
  return concatenated(field(7, outputs).map((piece) => (piece.kind === 'bytes' ? piece.bytes : new Uint8Array(0))));
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
