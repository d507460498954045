import { readFileSync, writeFileSync } from 'node:fs';
import { clone, create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from '../onnx/onnx_pb.generated.js';

/** TensorProto.DataType (onnx.proto). */
export const FLOAT = 1;
export const INT64 = 7;

/** A model in memory that variants are made of, read and written by another parser than the product's. */
export class Model {
  readonly proto: ModelProto;
  /** Sizes of what is computed, as a runtime found them. */
  readonly #sizes: ReadonlyMap<string, readonly number[]>;

  constructor(proto: ModelProto, sizes: ReadonlyMap<string, readonly number[]> = new Map()) {
    this.proto = proto;
    this.#sizes = sizes;
  }

  static read(path: string): Model {
    return Model.of(readFileSync(path));
  }

  static of(bytes: Uint8Array): Model {
    return new Model(fromBinary(ModelProtoSchema, bytes));
  }

  get graph(): GraphProto {
    return this.proto.graph!;
  }

  get nodes(): NodeProto[] {
    return this.graph.node;
  }

  /** Operator set version of ai.onnx. */
  get opset(): number {
    return Number(this.proto.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 0n);
  }

  copy(): Model {
    return new Model(clone(ModelProtoSchema, this.proto), this.#sizes);
  }

  bytes(): Uint8Array {
    return toBinary(ModelProtoSchema, this.proto);
  }

  save(path: string): string {
    writeFileSync(path, this.bytes());
    return path;
  }

  nodesOf(...ops: readonly string[]): NodeProto[] {
    return this.nodes.filter(({ opType }) => ops.includes(opType));
  }

  producer(tensor: string): NodeProto | undefined {
    return this.nodes.find(({ output }) => output.includes(tensor));
  }

  readers(tensor: string): NodeProto[] {
    return this.nodes.filter(({ input }) => input.includes(tensor));
  }

  isOutput(tensor: string): boolean {
    return this.graph.output.some(({ name }) => name === tensor);
  }

  /** The stored tensor of a name: an initializer's, or a Constant node's. */
  stored(name: string | undefined): TensorProto | undefined {
    if (name === undefined || name === '') return undefined;
    const initializer = this.graph.initializer.find((tensor) => tensor.name === name);
    if (initializer !== undefined) return initializer;
    const node = this.producer(name);
    return node?.opType === 'Constant' ? node.attribute.find((found) => found.name === 'value')?.t : undefined;
  }

  /** The stored tensor behind an input, through nodes that only rename, turn or reshape it. */
  constant(name: string | undefined): TensorProto | undefined {
    let at = name;
    for (let steps = 0; steps < 8 && at !== undefined; steps++) {
      const stored = this.stored(at);
      if (stored !== undefined) return stored;
      const node = this.producer(at);
      if (node === undefined || !['Identity', 'Transpose', 'Reshape', 'Squeeze', 'Unsqueeze'].includes(node.opType))
        return undefined;
      at = node.input[0];
    }
    return undefined;
  }

  /** Replaces every reading of a tensor, the graph's outputs excepted. */
  reroute(from: string, to: string, except?: NodeProto): void {
    for (const node of this.nodes)
      if (node !== except) node.input = node.input.map((name) => (name === from ? to : name));
  }

  /** Takes a node out whose first output is what it reads in `input`. False where the graph gives its result. */
  bypass(node: NodeProto, input = 0): boolean {
    const [from, to] = [node.output[0]!, node.input[input]!];
    if (this.isOutput(from)) return false;
    this.reroute(from, to);
    this.remove(node);
    return true;
  }

  remove(node: NodeProto): void {
    this.nodes.splice(this.nodes.indexOf(node), 1);
  }

  /** Puts a node in front of another one. */
  insert(
    before: NodeProto,
    opType: string,
    input: readonly string[],
    output: readonly string[],
    attributes: readonly AttributeProto[] = [],
  ): NodeProto {
    const node = create(NodeProtoSchema, {
      opType,
      input: [...input],
      output: [...output],
      attribute: [...attributes],
    });
    this.nodes.splice(this.nodes.indexOf(before), 0, node);
    return node;
  }

  /** A node between a node's input and what it read there; `make` gets the old name and the new one. */
  between(
    node: NodeProto,
    input: number,
    opType: string,
    attributes: readonly AttributeProto[] = [],
    more: readonly string[] = [],
  ): string {
    const name = this.unused(`${node.input[input]}_${opType}`);
    this.insert(node, opType, [node.input[input]!, ...more], [name], attributes);
    node.input[input] = name;
    return name;
  }

  addFloats(name: string, dims: readonly number[], values: ArrayLike<number>): string {
    const unused = this.unused(name);
    this.graph.initializer.push(tensorOf(unused, FLOAT, dims, new Uint8Array(Float32Array.from(values).buffer)));
    return unused;
  }

  addInts(name: string, values: readonly number[], dims: readonly number[] = [values.length]): string {
    const unused = this.unused(name);
    const data = BigInt64Array.from(values, BigInt);
    this.graph.initializer.push(tensorOf(unused, INT64, dims, new Uint8Array(data.buffer)));
    return unused;
  }

  unused(name: string): string {
    const taken = new Set([
      ...this.graph.initializer.map((tensor) => tensor.name),
      ...this.graph.input.map((info) => info.name),
      ...this.nodes.flatMap(({ output }) => output),
    ]);
    let free = name;
    for (let n = 1; taken.has(free); n++) free = `${name}_v${n}`;
    return free;
  }

  /** The model with the sizes of what it computes. */
  sized(sizes: ReadonlyMap<string, readonly number[]>): Model {
    return new Model(this.proto, sizes);
  }

  /** Sizes of a tensor, as it was run or as the file states them; null where neither tells. */
  shape(name: string): readonly (number | null)[] | null {
    const known = this.#sizes.get(name);
    if (known !== undefined) return known;
    const info = [...this.graph.valueInfo, ...this.graph.input, ...this.graph.output].find((one) => one.name === name);
    const type = info?.type?.value;
    if (type?.case !== 'tensorType' || type.value.shape === undefined) return null;
    return type.value.shape.dim.map(({ value }) => (value.case === 'dimValue' ? Number(value.value) : null));
  }
}

function tensorOf(name: string, dataType: number, dims: readonly number[], rawData: Uint8Array): TensorProto {
  return create(TensorProtoSchema, { name, dataType, dims: dims.map(BigInt), rawData });
}

export function dimsOf({ dims }: TensorProto): number[] {
  return dims.map(Number);
}

/** The elements of a float32 tensor; null for any other. */
export function floatsOf(tensor: TensorProto): Float32Array | null {
  if (tensor.dataType !== FLOAT) return null;
  if (tensor.rawData.length === 0) return Float32Array.from(tensor.floatData);
  return new Float32Array(Uint8Array.from(tensor.rawData).buffer);
}

export function setFloats(tensor: TensorProto, values: Float32Array, dims?: readonly number[]): void {
  tensor.floatData = [];
  tensor.rawData = new Uint8Array(Float32Array.from(values).buffer);
  if (dims !== undefined) tensor.dims = dims.map(BigInt);
}

/** The elements of an integer tensor; null for any other. */
export function intsOf(tensor: TensorProto | undefined): number[] | null {
  if (tensor === undefined || tensor.dataType !== INT64) return null;
  if (tensor.rawData.length === 0) return tensor.int64Data.map(Number);
  return Array.from(new BigInt64Array(Uint8Array.from(tensor.rawData).buffer), Number);
}

export function attributeOf(node: NodeProto, name: string): AttributeProto | undefined {
  return node.attribute.find((found) => found.name === name);
}

export function intOf(node: NodeProto, name: string, fallback: number): number {
  const found = attributeOf(node, name);
  return found === undefined ? fallback : Number(found.i);
}

export function listOf(node: NodeProto, name: string): number[] | null {
  return attributeOf(node, name)?.ints.map(Number) ?? null;
}

export function setAttribute(node: NodeProto, made: AttributeProto): void {
  node.attribute = [...node.attribute.filter(({ name }) => name !== made.name), made];
}

export function dropAttribute(node: NodeProto, name: string): void {
  node.attribute = node.attribute.filter((found) => found.name !== name);
}

export const ints = (name: string, values: readonly number[]): AttributeProto =>
  create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: values.map(BigInt) });
export const int = (name: string, value: number): AttributeProto =>
  create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });
export const float = (name: string, value: number): AttributeProto =>
  create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value });
export const text = (name: string, value: string): AttributeProto =>
  create(AttributeProtoSchema, { name, type: AttributeType.STRING, s: Buffer.from(value) });
export const tensor = (name: string, value: TensorProto): AttributeProto =>
  create(AttributeProtoSchema, { name, type: AttributeType.TENSOR, t: value });
