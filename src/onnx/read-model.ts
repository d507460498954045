import { InputError } from '../errors/input-error.ts';
import { foreignFormat } from './foreign-format.ts';
import type { OnnxModel } from './model.ts';
import { readModelHeader } from './model-header.ts';
import type { ModelSource } from './model-source.ts';

/**
 * Reads an ONNX model's header: graph, names, shapes, attributes and where each tensor's elements lie, in one pass that
 * skips the elements themselves. Tensors are read from the source when they are asked for.
 *
 * @param source of a ModelProto's binary form, of any size.
 * @throws InputError for bytes that are not ONNX, damaged or hostile.
 */
export function readModel(source: ModelSource): OnnxModel {
  if (!IS_LITTLE_ENDIAN) throw new InputError('ONNX files are read on little-endian machines only');
  try {
    return readModelHeader(source);
  } catch (error) {
    // A file of another kind fails somewhere as a ModelProto; what it is helps more than where.
    const format = error instanceof InputError ? foreignFormat(source) : null;
    throw format === null ? error : new InputError(format, { file: source.name });
  }
}

const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
