import type { MessageInitShape } from '@bufbuild/protobuf';
import fc from 'fast-check';
import type {
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from './onnx_pb.generated.js';

type TensorInit = MessageInitShape<typeof TensorProtoSchema>;
type AttributeInit = MessageInitShape<typeof AttributeProtoSchema>;
type NodeInit = MessageInitShape<typeof NodeProtoSchema>;
type GraphInit = MessageInitShape<typeof GraphProtoSchema>;
type ValueInfoInit = MessageInitShape<typeof ValueInfoProtoSchema>;
type ModelInit = MessageInitShape<typeof ModelProtoSchema>;

/** Names as exporters write them, as users write them, and long or empty ones. */
const name = fc.oneof(
  fc.constantFrom('', 'x', 'conv1/kernel:0', '/model.0/conv/Conv_output_0', 'größe', '権重', 'a'.repeat(97)),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
);
const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const utf8 = name.map((text) => new Uint8Array(Buffer.from(text)));
const few = { maxLength: 4 };

const float = fc.float({ noNaN: true });

/** A type, the field its elements go to, and elements of that type. */
const typed: fc.Arbitrary<TensorInit> = fc.nat(4).chain((size) => {
  const exactly = { minLength: size, maxLength: size };
  const int32 = (dataType: number, min: number, max: number): fc.Arbitrary<TensorInit> =>
    fc.array(fc.integer({ min, max }), exactly).map((int32Data) => ({ dataType, int32Data }));
  return fc
    .oneof(
      fc.array(float, exactly).map((floatData) => ({ dataType: 1, floatData })),
      fc.array(fc.double({ noNaN: true }), exactly).map((doubleData) => ({ dataType: 11, doubleData })),
      fc.array(long, exactly).map((int64Data) => ({ dataType: 7, int64Data })),
      fc
        .array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), exactly)
        .map((uint64Data) => ({ dataType: 13, uint64Data })),
      fc
        .array(fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }), exactly)
        .map((uint64Data) => ({ dataType: 12, uint64Data })),
      int32(6, -(2 ** 31), 2 ** 31 - 1),
      int32(5, -(2 ** 15), 2 ** 15 - 1),
      int32(4, 0, 2 ** 16 - 1),
      int32(3, -128, 127),
      int32(2, 0, 255),
      int32(9, 0, 1),
      int32(10, 0, 2 ** 16 - 1),
      int32(16, 0, 2 ** 16 - 1),
      int32(17, 0, 255),
      fc.uint8Array({ minLength: size * 4, maxLength: size * 4 }).map((rawData) => ({ dataType: 1, rawData })),
      fc.uint8Array({ minLength: size * 8, maxLength: size * 8 }).map((rawData) => ({ dataType: 7, rawData })),
      fc.uint8Array({ minLength: size * 2, maxLength: size * 2 }).map((rawData) => ({ dataType: 16, rawData })),
    )
    .map((content) => ({ ...content, dims: [BigInt(size), 1n] }));
});

const tensor: fc.Arbitrary<TensorInit> = fc
  .tuple(typed, name, fc.string())
  .map(([content, tensorName, docString]) => ({ ...content, name: tensorName, docString }));

function attribute(depth: number): fc.Arbitrary<AttributeInit> {
  const values: fc.Arbitrary<AttributeInit>[] = [
    float.map((f) => ({ type: 1, f })),
    long.map((i) => ({ type: 2, i })),
    utf8.map((s) => ({ type: 3, s })),
    tensor.map((t) => ({ type: 4, t })),
    fc.array(float, few).map((floats) => ({ type: 6, floats })),
    fc.array(long, few).map((ints) => ({ type: 7, ints })),
    fc.array(utf8, few).map((strings) => ({ type: 8, strings })),
    fc.array(tensor, few).map((tensors) => ({ type: 9, tensors })),
    fc.constant({ type: 13, tp: { value: { case: 'mapType', value: { keyType: 7 } } } }),
  ];
  if (depth > 0) {
    values.push(graph('s', depth - 1).map((g) => ({ type: 5, g })));
    values.push(fc.array(graph('s', depth - 1), { maxLength: 2 }).map((graphs) => ({ type: 10, graphs })));
  }
  return fc
    .tuple(fc.oneof(...values), name, fc.string())
    .map(([value, attributeName, docString]) => ({ ...value, name: attributeName, docString }));
}

const unique = <Item extends { name?: string }>(items: Item[], prefix: string): Item[] =>
  items.map((item, i) => ({ ...item, name: `${prefix}${i}${item.name ?? ''}` }));

function node(depth: number): fc.Arbitrary<NodeInit> {
  return fc
    .record({
      name,
      opType: name,
      domain: fc.constantFrom('', 'ai.onnx', 'com.microsoft'),
      input: fc.array(name, few),
      output: fc.array(name, few),
      docString: fc.string(),
      attribute: fc.array(attribute(depth), few),
    })
    .map((init) => ({ ...init, attribute: unique(init.attribute, '') }));
}

const valueInfo: fc.Arbitrary<ValueInfoInit> = fc.record({
  name,
  type: fc.option(
    fc.oneof(
      fc.record({
        value: fc.record({
          case: fc.constant('tensorType' as const),
          value: fc.record({
            elemType: fc.integer({ min: 0, max: 30 }),
            shape: fc.option(
              fc.record({
                dim: fc.array(
                  fc.oneof(
                    fc.constant({}),
                    long.map((value) => ({ value: { case: 'dimValue' as const, value } })),
                    name.map((value) => ({ value: { case: 'dimParam' as const, value } })),
                  ),
                  few,
                ),
              }),
              { nil: undefined },
            ),
          }),
        }),
      }),
      fc.constant({ value: { case: 'sequenceType' as const, value: {} } }),
      fc.constant({}),
    ),
    { nil: undefined },
  ),
});

function graph(prefix: string, depth: number): fc.Arbitrary<GraphInit> {
  return fc
    .record({
      name,
      node: fc.array(node(depth), few),
      initializer: fc.array(tensor, few),
      sparseInitializer: fc.array(tensor, { maxLength: 1 }),
      input: fc.array(valueInfo, few),
      output: fc.array(valueInfo, few),
      valueInfo: fc.array(valueInfo, few),
      docString: fc.string(),
    })
    .map((init) => ({
      ...init,
      initializer: unique(init.initializer, prefix),
      sparseInitializer: unique(init.sparseInitializer, `${prefix}sparse`).map((values) => ({ values })),
    }));
}

/** Models with everything that is read and much that is not; initializers' names begin with `prefix`. */
export function modelArbitrary(prefix: string): fc.Arbitrary<ModelInit> {
  return fc.record({
    irVersion: long,
    producerName: name,
    producerVersion: name,
    modelVersion: long,
    docString: fc.string(),
    opsetImport: fc.array(fc.record({ domain: name, version: long }), few),
    metadataProps: fc.array(fc.record({ key: name, value: name }), few),
    functions: fc.uniqueArray(
      fc.record({
        ...{ name, domain: name, overload: name, input: fc.array(name, few), output: fc.array(name, few) },
        node: fc.array(node(0), few),
        opsetImport: fc.array(fc.record({ domain: name, version: long }), few),
      }),
      {
        maxLength: 2,
        selector: (made) => [made.domain, made.name, made.overload].join(':').replace(/^ai\.onnx:/, ':'),
      },
    ),
    graph: graph(prefix, 2),
  });
}
