import { expect } from 'vitest';
import type {
  AttributeProto,
  GraphProto,
  ModelProto,
  NodeProto,
  TensorProto,
  ValueInfoProto,
} from './onnx_pb.generated.js';

// What a ModelProto decoded by @bufbuild/protobuf should look like once we read it: written against onnx.proto, not against
// the reader, and compared by plain equality. Storage is left out where it holds file offsets; elements are compared apart.

const NAMES =
  'undefined float32 uint8 int8 uint16 int16 int32 int64 string bool float16 float64 uint32 uint64 complex64 complex128 bfloat16 float8e4m3fn float8e4m3fnuz float8e5m2 float8e5m2fnuz uint4 int4 float4e2m1 float8e8m0 uint2 int2'.split(
    ' ',
  );

const dtype = (code: number): string => NAMES[code] ?? 'unknown';
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
const plain = (domain: string): string => (domain === 'ai.onnx' ? '' : domain);

function integer(value: bigint): number {
  const limit = BigInt(Number.MAX_SAFE_INTEGER);
  return Number(value > limit ? limit : value < -limit ? -limit : value);
}

/** Any storage: `expectedValues` compares what it leads to. */
const storage = { asymmetricMatch: (found: unknown): boolean => typeof found === 'object' && found !== null };

export function expectedModel(model: ModelProto): unknown {
  return {
    irVersion: integer(model.irVersion),
    producer: { name: model.producerName, version: model.producerVersion },
    opsets: new Map(model.opsetImport.map(({ domain, version }) => [plain(domain), integer(version)])),
    graph: graph(model.graph!),
    metadata: new Map(model.metadataProps.map(({ key, value }) => [key, value])),
    functions: new Map(
      model.functions.map(({ domain, name, overload, input, output, attributeProto, node: body, opsetImport }) => [
        `${plain(domain)}:${name}${overload === '' ? '' : `:${overload}`}`,
        {
          inputs: input,
          outputs: output,
          defaults: new Map(attributeProto.map((a) => [a.name, attribute(a)])),
          nodes: body.map(node),
          opsets: new Map(opsetImport.map((found) => [plain(found.domain), integer(found.version)])),
        },
      ]),
    ),
  };
}

function graph(proto: GraphProto): unknown {
  return {
    name: proto.name,
    nodes: proto.node.map(node),
    initializers: new Map(proto.initializer.map((tensor) => [tensor.name, header(tensor)])),
    inputs: proto.input.map(valueInfo),
    outputs: proto.output.map(valueInfo),
    valueInfo: new Map(proto.valueInfo.map((info) => [info.name, valueInfo(info)])),
    sparseInitializers: proto.sparseInitializer.map(({ values }) => values?.name ?? ''),
  };
}

function node(proto: NodeProto): unknown {
  return {
    name: proto.name,
    opType: proto.opType,
    domain: plain(proto.domain),
    overload: proto.overload,
    inputs: proto.input,
    outputs: proto.output,
    attributes: new Map(proto.attribute.map((a) => [a.name, attribute(a)])),
  };
}

function attribute(a: AttributeProto): unknown {
  const kinds: Readonly<Record<number, unknown>> = {
    1: { kind: 'float', value: a.f },
    2: { kind: 'int', value: integer(a.i) },
    3: { kind: 'string', value: text(a.s) },
    4: a.t && { kind: 'tensor', value: header(a.t) },
    5: a.g && { kind: 'graph', value: graph(a.g) },
    6: { kind: 'floats', value: a.floats },
    7: { kind: 'ints', value: a.ints.map(integer) },
    8: { kind: 'strings', value: a.strings.map(text) },
    10: { kind: 'graphs', value: a.graphs.map(graph) },
  };
  if (a.refAttrName !== '') return { kind: 'reference', name: a.refAttrName };
  return kinds[a.type] ?? { kind: 'other' };
}

function header(tensor: TensorProto): unknown {
  const dims = tensor.dims.map(Number);
  return {
    name: tensor.name,
    dtype: dtype(tensor.dataType),
    dims,
    elements: dims.reduce((product, dim) => product * dim, 1),
    storage,
    read: expect.any(Function),
    part: expect.toSatisfy((part) => part === null || typeof part === 'function'),
  };
}

function valueInfo({ name, type }: ValueInfoProto): unknown {
  if (type?.value.case !== 'tensorType') return { name, dtype: 'undefined', shape: null };
  const { elemType, shape } = type.value.value;
  const dims = shape?.dim.map(({ value }) =>
    value.case === 'dimValue' ? integer(value.value) : (value.value ?? null),
  );
  return { name, dtype: dtype(elemType), shape: dims ?? null };
}

/** Elements as bits. */
export function expectedValues(tensor: TensorProto): bigint[] {
  const kind = dtype(tensor.dataType);
  const bits = Number(/(\d+)$/.exec(kind.replace(/e\dm\d\w*$/, ''))?.[1] ?? 8);
  const mask = (1n << BigInt(bits)) - 1n;
  if (tensor.rawData.length > 0) {
    const width = bits / 8;
    return Array.from({ length: tensor.rawData.length / width }, (_, i) =>
      BigInt(
        `0x${Buffer.from(tensor.rawData.slice(i * width, (i + 1) * width))
          .reverse()
          .toString('hex')}`,
      ),
    );
  }
  const float = new DataView(new ArrayBuffer(8));
  return [
    ...tensor.floatData.map((value) => {
      float.setFloat32(0, value);
      return BigInt(float.getUint32(0));
    }),
    ...tensor.doubleData.map((value) => {
      float.setFloat64(0, value);
      return float.getBigUint64(0);
    }),
    ...[...tensor.int32Data.map(BigInt), ...tensor.int64Data, ...tensor.uint64Data].map((value) => value & mask),
  ];
}
