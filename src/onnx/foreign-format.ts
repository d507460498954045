import type { ByteSource } from '../bytes/index.ts';

/** Bytes of the file's start that are looked at. */
const HEAD_BYTES = 512;

/** Signatures of what is most often named .onnx by mistake, with what to do; [offset, bytes in Latin-1, message]. */
const SIGNATURES: readonly (readonly [number, string, string])[] = [
  [0, 'version https://git-lfs', 'is a Git LFS pointer: run git lfs pull (or check out with lfs: true)'],
  [
    0,
    'PK\x03\x04',
    'is a ZIP archive (a PyTorch or Keras file?): export the model to ONNX, as recipes/torch and recipes/tao do',
  ],
  [0, '\x89HDF\r\n', 'is an HDF5 file (Keras?): export the model to ONNX, as recipes/tao does'],
  [0, '\x1f\x8b', 'is compressed with gzip: unpack it first'],
  [0, '\x80\x02', 'is a Python pickle (a PyTorch file?): export the model to ONNX, as recipes/torch does'],
  [8, '{"', 'is a safetensors file, weights without a graph: export the model to ONNX, as recipes/torch does'],
  [4, 'ORTM', 'is an ORT-format model: check the .onnx file that it was made from'],
  [4, 'TFL3', 'is a TensorFlow Lite model: export the model to ONNX'],
  [0, 'GGUF', 'is a GGUF file: export the model to ONNX'],
  [0, 'ptrt', 'is a TensorRT engine: check the .onnx file that it was made from'],
];

/** Files that begin with nothing of their own, by the ends of their names. */
const BY_NAME: readonly (readonly [RegExp, string])[] = [
  [/\.tlt$/i, 'is a model of TAO that only TAO opens: export it to ONNX, as recipes/tao does'],
  [/\.(?:engine|plan|trt)$/i, 'is a TensorRT engine: check the .onnx file that it was made from'],
  [/\.(?:pt|pth|ckpt|bin)$/i, 'is no ONNX file (a PyTorch file?): export the model to ONNX, as recipes/torch does'],
];

/**
 * What a file is that could not be read as ONNX, as the rest of a sentence, or null where that is not plain to see.
 *
 * @throws InputError where it cannot be read at all.
 */
export function foreignFormat(source: ByteSource): string | null {
  if (source.size === 0) return 'is empty: the export wrote nothing';
  const head = new Uint8Array(Math.min(HEAD_BYTES, source.size));
  source.read(head, 0, head.length);
  const text = String.fromCharCode(...head);
  const signature = SIGNATURES.find(([offset, bytes]) => text.startsWith(bytes, offset));
  if (signature !== undefined) return signature[2];
  const named = BY_NAME.find(([end]) => end.test(source.name));
  if (named !== undefined) return named[1];
  if (/^(\xef\xbb\xbf)?\s*<(!doctype|html|\?xml)/i.test(text))
    return 'is a web page, not a model: was the download refused?';
  // Protobuf's small tags and lengths are control characters, so no real model's start is all text.
  if (head.length >= 4 && !/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(text)) return 'is a text file, not an ONNX model';
  return null;
}
