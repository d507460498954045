import type { ReusableBuffer } from '../bytes/index.ts';
import type { ModelSource } from './model-source.ts';

/** Element types that an ONNX tensor may have (onnx.proto, TensorProto.DataType), by the names used in messages. */
export type DType =
  | 'undefined'
  | 'float32'
  | 'uint8'
  | 'int8'
  | 'uint16'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'string'
  | 'bool'
  | 'float16'
  | 'float64'
  | 'uint32'
  | 'uint64'
  | 'complex64'
  | 'complex128'
  | 'bfloat16'
  | 'float8e4m3fn'
  | 'float8e4m3fnuz'
  | 'float8e5m2'
  | 'float8e5m2fnuz'
  | 'uint4'
  | 'int4'
  | 'float4e2m1'
  | 'float8e8m0'
  | 'uint2'
  | 'int2'
  | 'unknown';

/** Where a tensor's elements lie; they are read only when asked for. */
export type TensorStorage =
  | { readonly kind: 'raw'; readonly offset: number; readonly length: number }
  /** Ranges of the file holding float_data, int32_data, int64_data, double_data or uint64_data, packed or not. */
  | { readonly kind: 'typed'; readonly field: number; readonly ranges: readonly FieldRange[] }
  | { readonly kind: 'external'; readonly location: string; readonly offset: number; readonly length: number | null }
  | { readonly kind: 'inline'; readonly bytes: Uint8Array }
  | { readonly kind: 'none' };

export interface FieldRange {
  readonly offset: number;
  readonly length: number;
  /** A packed range holds elements only; an unpacked one holds elements that each have their tag in front. */
  readonly packed: boolean;
}

/** A tensor's elements in raw_data's layout: little-endian, row-major; 4- and 2-bit types packed, low bits first. */
export interface TensorData {
  readonly dtype: DType;
  readonly dims: readonly number[];
  /** byteOffset is a multiple of 8, so that every typed array can view it. */
  readonly bytes: Uint8Array;
}

/** A tensor whose elements are read when they are asked for, wherever they lie. */
export interface Tensor {
  readonly name: string;
  readonly dtype: DType;
  /** Safe non-negative integers whose product is a safe integer. */
  readonly dims: readonly number[];
  /** Product of `dims`; 1 for a scalar. */
  readonly elements: number;
  /**
   * @param reuse is filled and viewed, what it held before is gone, and the elements may be changed in it. Without it, they
   * may be the tensor's own.
   * @throws InputError for elements that are missing, too few or too many, of a type without a layout, or in an external
   * file that may not be read.
   */
  read(reuse?: ReusableBuffer): TensorData;
  /** The `count` elements from `first` on as a tensor of their own; null where elements can only be read all at once. */
  readonly part: ((first: number, count: number) => Tensor) | null;
}

/** The header of a TensorProto. */
export interface OnnxTensor extends Tensor {
  readonly storage: TensorStorage;
}

export type OnnxAttribute =
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'tensor'; readonly value: OnnxTensor }
  | { readonly kind: 'graph'; readonly value: OnnxGraph }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'strings'; readonly value: readonly string[] }
  | { readonly kind: 'graphs'; readonly value: readonly OnnxGraph[] }
  /** Inside a function: the value of an attribute of the node that calls it. */
  | { readonly kind: 'reference'; readonly name: string }
  | { readonly kind: 'other' };

export interface OnnxNode {
  readonly name: string;
  readonly opType: string;
  /** Empty for the default `ai.onnx` operator set. */
  readonly domain: string;
  /** Empty strings stand for omitted optional inputs. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, OnnxAttribute>;
  /** Of several functions of one name, which is called; empty for all other nodes. */
  readonly overload: string;
}

/** A graph input, output or value_info; a dimension is a size, a symbol's name, or null where nothing is said. */
export interface OnnxValueInfo {
  readonly name: string;
  readonly dtype: DType;
  /** null where the shape is not given. */
  readonly shape: readonly (number | string | null)[] | null;
}

export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: ReadonlyMap<string, OnnxTensor>;
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
  readonly valueInfo: ReadonlyMap<string, OnnxValueInfo>;
  /** Names of sparse_initializer entries: they exist, but their values are not read. */
  readonly sparseInitializers: readonly string[];
}

/** A ModelProto whose tensors' elements stay where they are. */
export interface OnnxModel {
  /** How messages name it. */
  readonly name: string;
  readonly source: ModelSource;
  /** A buffer for whoever reads one tensor after another and keeps none: memory then stays at the largest of them. */
  readonly buffer: ReusableBuffer;
  readonly irVersion: number;
  readonly producer: { readonly name: string; readonly version: string };
  /** Operator set version by domain; '' is ai.onnx. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly graph: OnnxGraph;
  readonly metadata: ReadonlyMap<string, string>;
  /** Model-local functions by `domain:name`, with `:overload` behind it where they have one. */
  readonly functions: ReadonlyMap<string, OnnxFunction>;
}

/** A FunctionProto: what a node that calls it stands for. */
export interface OnnxFunction {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Values of attributes that a call may leave out. */
  readonly defaults: ReadonlyMap<string, OnnxAttribute>;
  readonly nodes: readonly OnnxNode[];
  /** Operator set version by domain, as of the model. */
  readonly opsets: ReadonlyMap<string, number>;
}
