import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { afterAll } from 'vitest';
import { InputError } from '../../src/errors/input-error.ts';
import { type ModelFile, openModel } from '../../src/files/index.ts';
import type { OnnxTensor, TensorData } from '../../src/onnx/index.ts';
import { ModelProtoSchema, type TensorProtoSchema } from './onnx_pb.generated.js';

export type TensorInit = MessageInitShape<typeof TensorProtoSchema>;

/** A directory for one test file's models, removed after it. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'prunegate-onnx-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A base-128 varint; longer than need be where `length` says so. */
export function varint(value: number | bigint, length = 0): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  do {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  } while (rest > 0n || bytes.length < length);
  bytes[bytes.length - 1]! &= 0x7f;
  return Uint8Array.from(bytes);
}

/** Bytes of parts, one after another; text is UTF-8. */
export function bytesOf(...parts: readonly (Uint8Array | readonly number[] | string)[]): Uint8Array {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Uint8Array.from(part))));
}

/** A varint field. */
export function int(field: number, value: number | bigint): Uint8Array {
  return bytesOf(varint(field * 8), varint(value));
}

/** A length-delimited field. */
export function len(field: number, ...parts: readonly (Uint8Array | readonly number[] | string)[]): Uint8Array {
  const content = bytesOf(...parts);
  return bytesOf(varint(field * 8 + 2), varint(content.length), content);
}

/** A model whose graph holds one tensor, made of TensorProto fields written by hand. */
export function modelOf(...tensorFields: readonly Uint8Array[]): Uint8Array {
  return bytesOf(int(1, 8), len(7, len(5, ...tensorFields)));
}

/** A model whose graph holds such tensors, as @bufbuild/protobuf writes it. */
export function modelWith(...initializer: readonly TensorInit[]): Uint8Array {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, { irVersion: 8n, graph: { initializer: [...initializer] } }),
  );
}

/** Writes a file and opens it as a model; `use` works with it until it is closed. */
export function withModel<Value>(path: string, content: Uint8Array, use: (file: ModelFile) => Value): Value {
  writeFileSync(path, content);
  const file = openModel(path);
  try {
    return use(file);
  } finally {
    file.close();
  }
}

/** The only initializer of a model. */
export function onlyTensor(file: ModelFile): OnnxTensor {
  const tensors = [...file.model.graph.initializers.values()];
  if (tensors.length !== 1) throw new Error(`${tensors.length} tensors`);
  return tensors[0]!;
}

/** Reads the only initializer of a model. */
export function readOnly(path: string, content: Uint8Array): TensorData {
  return withModel(path, content, (file) => onlyTensor(file).read());
}

/** What an action refuses with. Any error but an InputError, or none, fails the test. */
export function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
}
