import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { modelArbitrary } from './arbitrary.ts';
import { type ModelProto, ModelProtoSchema } from './onnx_pb.generated.js';
import { expectedModel, expectedValues } from './reference.ts';
import { bytesOf, int, len, temporaryDirectory, varint, withModel } from './support.ts';
import { valuesOf } from './values-of.ts';

const directory = temporaryDirectory();
const path = join(directory, 'model.onnx');
const fixtures = new URL('../fixtures/onnx/', import.meta.url);

/** Our reading of some bytes must be what @bufbuild/protobuf reads, headers and elements alike. */
function expectAgreement(bytes: Uint8Array): void {
  const reference: ModelProto = fromBinary(ModelProtoSchema, bytes);
  withModel(path, bytes, (file) => {
    const { name: _name, source, buffer: _buffer, ...model } = file.model;
    expect(source.size).toBe(bytes.length);
    expect(model).toEqual(expectedModel(reference));
    for (const proto of reference.graph!.initializer) {
      const tensor = file.model.graph.initializers.get(proto.name)!;
      expect(valuesOf(tensor.read())).toEqual(expectedValues(proto));
    }
  });
}

const encode = (init: MessageInitShape<typeof ModelProtoSchema>): Uint8Array =>
  toBinary(ModelProtoSchema, create(ModelProtoSchema, init));

describe('the wire reader and @bufbuild/protobuf', () => {
  it.each(['../golden/random_r1025/pruned.onnx', '../golden/shared_conv_nchw/pruned.onnx', 'mixed.onnx'])(
    'agree on %s',
    (name) => {
      expectAgreement(readFileSync(new URL(name, fixtures)));
    },
  );

  it('agree on any model', () => {
    fc.assert(
      fc.property(modelArbitrary('a'), (init) => expectAgreement(encode(init))),
      { numRuns: 150 },
    );
  });

  it('agree that two models written one after the other are one merged model', () => {
    fc.assert(
      fc.property(modelArbitrary('a'), modelArbitrary('b'), (a, b) => {
        expectAgreement(bytesOf(encode(a), encode(b)));
      }),
      { numRuns: 60 },
    );
  });

  it('agree on a model among unknown fields and groups', () => {
    const group = bytesOf(
      varint(3000 * 8 + 3),
      int(1, 5),
      varint(8 * 8 + 3),
      varint(8 * 8 + 4),
      len(7, 'x'),
      varint(3000 * 8 + 4),
    );
    const unknown = bytesOf(
      int(900, -1),
      len(901, 'text'),
      varint(902 * 8 + 5),
      [1, 2, 3, 4],
      group,
      varint(903 * 8 + 1),
      new Uint8Array(8),
    );
    fc.assert(
      fc.property(modelArbitrary('a'), (init) => {
        const graph = bytesOf(unknown, len(7, unknown));
        expectAgreement(bytesOf(graph, encode(init), unknown));
      }),
      { numRuns: 30 },
    );
  });
});
