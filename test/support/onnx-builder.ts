import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { afterAll } from 'vitest';
import { openModel } from '../../src/files/index.ts';
import { FIXED_CHANNEL, type Layer, type Network, type Opaque, readNetwork } from '../../src/network/index.ts';
import { narrowToFloat16 } from '../../src/tensor-files/index.ts';
import {
  type AttributeProtoSchema,
  type FunctionProtoSchema,
  type GraphProtoSchema,
  ModelProtoSchema,
  type NodeProtoSchema,
  type TensorProtoSchema,
} from '../onnx/onnx_pb.generated.js';

type NodeInit = MessageInitShape<typeof NodeProtoSchema>;
type AttributeInit = MessageInitShape<typeof AttributeProtoSchema>;
export type FunctionInit = MessageInitShape<typeof FunctionProtoSchema>;
type TensorInit = MessageInitShape<typeof TensorProtoSchema>;
type GraphInit = MessageInitShape<typeof GraphProtoSchema>;

/** TensorProto.DataType, and bytes of one element. */
const DTYPES = {
  float32: [1, 4],
  uint8: [2, 1],
  int8: [3, 1],
  int32: [6, 4],
  int64: [7, 8],
  bool: [9, 1],
  float16: [10, 2],
  float64: [11, 8],
  bfloat16: [16, 2],
} as const;

/** A number is a float where it has a fraction, else an int; lists likewise. */
export type Attribute =
  | number
  | string
  | readonly number[]
  | { float: number }
  | { floats: readonly number[] }
  | TensorInit
  | GraphInit;

/** A graph in a few lines: what is not given is empty. */
export interface Graph {
  /** Shapes of graph inputs; a text is a symbolic size, null is no shape. */
  readonly inputs?: Readonly<Record<string, readonly (number | string)[] | null>>;
  readonly weights?: Readonly<Record<string, TensorInit>>;
  readonly nodes: readonly NodeInit[];
  readonly outputs?: readonly string[];
  /** Of all inputs, and of all outputs; float32 where nothing is said. */
  readonly inputType?: keyof typeof DTYPES;
  readonly outputType?: keyof typeof DTYPES;
  readonly valueInfo?: Readonly<Record<string, readonly (number | string)[]>>;
  readonly opset?: number;
  readonly producer?: string;
  readonly functions?: readonly FunctionInit[];
}

/** Zeros of a shape; weights matter here by their shape and name alone. */
export function zeros(dims: readonly number[], dtype: keyof typeof DTYPES = 'float32'): TensorInit {
  const [dataType, bytes] = DTYPES[dtype];
  const elements = dims.reduce((n, d) => n * d, 1);
  return { dataType, dims: dims.map(BigInt), rawData: new Uint8Array(elements * bytes) };
}

/** An int64 vector, or a scalar for a single number. */
export function int64(values: number | bigint | readonly (number | bigint)[]): TensorInit {
  const list = typeof values === 'object' ? values : [values];
  return { dataType: 7, dims: typeof values === 'object' ? [BigInt(list.length)] : [], int64Data: list.map(BigInt) };
}

export function float32(values: number | readonly number[]): TensorInit {
  const list = typeof values === 'object' ? values : [values];
  return { dataType: 1, dims: typeof values === 'object' ? [BigInt(list.length)] : [], floatData: [...list] };
}

export function float64(values: readonly number[]): TensorInit {
  return { dataType: 11, dims: [BigInt(values.length)], doubleData: [...values] };
}

export function float16(values: readonly number[]): TensorInit {
  const bits = narrowToFloat16(Float32Array.from(values));
  return { dataType: 10, dims: [BigInt(values.length)], rawData: new Uint8Array(bits.buffer) };
}

/** A node; `name` and `domain` are its own, every other key is an attribute. Several outputs are separated by spaces. */
export function op(
  opType: string,
  inputs: string | readonly string[],
  outputs: string,
  {
    name = '',
    domain = '',
    ...attributes
  }: { name?: string; domain?: string } & Readonly<Record<string, Attribute>> = {},
): NodeInit {
  return {
    opType,
    name,
    domain,
    input: typeof inputs === 'string' ? [inputs] : [...inputs],
    output: outputs.split(' '),
    attribute: Object.entries(attributes as Record<string, Attribute>).map(([key, value]) => attributeInit(key, value)),
  };
}

function attributeInit(name: string, value: Attribute): AttributeInit {
  if (typeof value === 'string') return { name, type: 3, s: Buffer.from(value) };
  if (typeof value === 'number')
    return Number.isInteger(value) ? { name, type: 2, i: BigInt(value) } : { name, type: 1, f: value };
  if (isList(value)) return { name, type: 7, ints: value.map(BigInt) };
  if ('float' in value) return { name, type: 1, f: value.float as number };
  if ('floats' in value) return { name, type: 6, floats: [...(value.floats as readonly number[])] };
  if ('node' in value) return { name, type: 5, g: value as GraphInit & { $typeName?: never } };
  return { name, type: 4, t: value as TensorInit & { $typeName?: never } };
}

function isList(value: Attribute): value is readonly number[] {
  return Array.isArray(value);
}

/** A GraphProto, for the model or for a branch of If and the body of Loop. */
export function graphOf(graph: Graph): GraphInit {
  const info = (
    [name, shape]: readonly [string, readonly (number | string)[] | null],
    type: keyof typeof DTYPES = 'float32',
  ) => ({
    name,
    type: {
      value: {
        case: 'tensorType' as const,
        value: {
          elemType: DTYPES[type][0],
          ...(shape === null
            ? {}
            : {
                shape: {
                  dim: shape.map((size) => ({
                    value:
                      typeof size === 'number'
                        ? { case: 'dimValue' as const, value: BigInt(size) }
                        : { case: 'dimParam' as const, value: size },
                  })),
                },
              }),
        },
      },
    },
  });
  return {
    name: 'graph',
    node: [...graph.nodes],
    initializer: Object.entries(graph.weights ?? {}).map(
      ([name, tensor]) => ({ ...tensor, name }) as TensorInit & { $typeName?: never },
    ),
    input: Object.entries(graph.inputs ?? {}).map((input) => info(input, graph.inputType)),
    output: (graph.outputs ?? []).map((name) => info([name, null], graph.outputType)),
    valueInfo: Object.entries(graph.valueInfo ?? {}).map((value) => info(value)),
  };
}

export function modelBytes(graph: Graph): Uint8Array {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      producerName: graph.producer ?? '',
      opsetImport: [
        { domain: '', version: BigInt(graph.opset ?? 13) },
        ...[...new Set(graph.nodes.map(({ domain }) => domain ?? ''))]
          .filter((domain) => domain !== '')
          .map((domain) => ({ domain, version: 1n })),
      ],
      graph: graphOf(graph) as GraphInit & { $typeName?: never },
      functions: [...(graph.functions ?? [])],
    }),
  );
}

let directory: string | null = null;
let written = 0;
// Not where the first model is written, which may be in a test: there nothing is remembered.
afterAll(() => {
  if (directory !== null) rmSync(directory, { recursive: true, force: true });
});

/** Writes a model to a temporary directory that goes when the test file is done. */
export function writeModel(graph: Graph): string {
  directory ??= mkdtempSync(join(tmpdir(), 'prunegate-network-'));
  const path = join(directory, `${written++}.onnx`);
  writeFileSync(path, modelBytes(graph));
  return path;
}

/** The network of a graph; its file is closed again. */
export function networkOf(graph: Graph): Network {
  const path = writeModel(graph);
  const file = openModel(path);
  try {
    return readNetwork(file.model);
  } finally {
    file.close();
    rmSync(path);
  }
}

/** The layer of a name, prunable or not. */
export function layerOf(network: Network, name: string): Layer {
  const found = network.layers.filter((layer) => layer.name === name);
  if (found.length !== 1) throw new Error(`${found.length} layers '${name}' in ${network.layers.map((l) => l.name)}`);
  return found[0]!;
}

/** Channel ids as `layer:filter`, `-` for a channel that belongs to nobody; why not, where they are not known. */
export function shown(network: Network, ids: Int32Array | Opaque | null): string | null {
  if (ids === null) return null;
  if (!(ids instanceof Int32Array)) return `opaque ${ids.opaque}`;
  return Array.from(ids, (id) => {
    if (id === FIXED_CHANNEL) return '-';
    const layer = network.layers[network.channelOwner[id]!]!;
    return `${layer.name}:${id - layer.firstChannel}`;
  }).join(' ');
}

/** What a layer's input columns carry. */
export function columns(network: Network, layer: string, call = 0): string | null {
  return shown(network, layerOf(network, layer).calls[call]!.columns);
}

/** Followers as `layer role tensor = channels`. */
export function followers(network: Network): string[] {
  return network.followers.map(
    ({ layer, role, tensor, channels, isComputed }) =>
      `${layer} ${role}${isComputed ? ' (computed)' : ''} ${tensor.name} = ${shown(network, channels)}`,
  );
}

/** Couplings as `op: channels | channels`. */
export function couplings(network: Network): string[] {
  return network.couplings.map(
    ({ op: by, operands }) => `${by}: ${operands.map((ids) => shown(network, ids)).join(' | ')}`,
  );
}

/** Names and kinds of all layers, in order. */
export function kinds(network: Network): string[] {
  return network.layers.map(({ name, kind }) => `${name} ${kind}`);
}
