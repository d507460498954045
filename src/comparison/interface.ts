import { isMadeUp, type Network, weightTypes } from '../network/index.ts';
import { type DType, isFloat, type OnnxGraph, type OnnxValueInfo } from '../onnx/index.ts';
import { counted } from '../prose/index.ts';
import type { ChannelCorrespondence } from '../recovery/index.ts';

/** Inputs that must be given when the model runs: initializers may be listed among them (before IR version 4 they had to). */
export function inputsOf({ inputs, initializers }: OnnxGraph): readonly OnnxValueInfo[] {
  return inputs.filter(({ name }) => !initializers.has(name));
}

/**
 * The dense input that each pruned one is, by its place: by name where both models have the same names, in whatever order, else
 * by position.
 */
export function pairInputs(dense: OnnxGraph, pruned: OnnxGraph): readonly (number | null)[] {
  const [before, after] = [inputsOf(dense), inputsOf(pruned)];
  const places = new Map(before.map(({ name }, at) => [name, at]));
  const isSameSet = before.length === after.length && after.every(({ name }) => places.has(name));
  return after.map(({ name }, at) => (isSameSet ? places.get(name)! : at < before.length ? at : null));
}

export interface InterfaceDifference {
  /** A sentence without its end. */
  readonly title: string;
  /** Whether it is one: a name may be an exporter's own. */
  readonly isSure: boolean;
  /** Outputs that the pruned model alone lacks. */
  readonly lost?: readonly string[];
  /** An output that has fewer channels, those of the filters that are left. */
  readonly narrowed?: string | null;
  /** Whether it is of the type to which the model's weights were converted. */
  readonly isConverted?: boolean;
}

/**
 * How the pruned model is called otherwise than the dense one. Names that users gave count, as far as they can be told from those
 * that exporters made; a size that one of the models leaves open is no difference, nor is the batch.
 * @param correspondence tells which channels are left; null where nothing asks for them
 */
export function interfaceDifferences(
  dense: Network,
  pruned: Network,
  correspondence: ChannelCorrespondence | null = null,
): readonly InterfaceDifference[] {
  const [a, b] = [dense.model.graph, pruned.model.graph];
  const isOneExporter = exporterOf(dense) === exporterOf(pruned);
  const left = new Set(b.outputs.map(({ name }) => name));
  const lost = a.outputs.flatMap(({ name }) => (left.has(name) ? [] : [name]));
  const isSubset = lost.length > 0 && lost.length + left.size === a.outputs.length;
  const known = isSubset ? a.outputs.filter(({ name }) => left.has(name)) : a.outputs;
  const wasConverted = conversionOf(dense, pruned);
  return [
    ...sideDifferences('input', inputsOf(a), inputsOf(b), isOneExporter, wasConverted).map(unexplained),
    ...(isSubset ? [{ title: countsDiffer('output', b.outputs, a.outputs), isSure: true, lost }] : []),
    ...sideDifferences('output', known, b.outputs, isOneExporter, wasConverted).map((difference) => ({
      ...unexplained(difference),
      ...(correspondence !== null && isNarrowed(correspondence, difference) ? { narrowed: difference.name } : {}),
    })),
  ];
}

function unexplained({ title, isSure, isConverted }: SideDifference): InterfaceDifference {
  return { title, isSure, ...(isConverted === true ? { isConverted } : {}) };
}

/** Whether an input or output is of a floating type that the pruned model's weights were converted to from the other's. */
type IsConverted = (before: DType, after: DType) => boolean;

function conversionOf(dense: Network, pruned: Network): IsConverted {
  const [from, to] = [weightTypes(dense), weightTypes(pruned)];
  return (before, after) => isFloat(before) && isFloat(after) && from.has(before) && to.has(after) && !from.has(after);
}

/** Whether an output is another size along its channels alone, and they are those of the filters that are left. */
function isNarrowed(
  { dense, pruned, positions }: ChannelCorrespondence,
  { name, other, axis }: SideDifference,
): boolean {
  const [before, after] = [dense.tensors.get(other ?? ''), pruned.tensors.get(name ?? '')].map(
    (tensor) => tensor?.channels ?? null,
  );
  if (before == null || after == null || 'opaque' in before || 'opaque' in after || axis === null) return false;
  return [before, after].every(({ axes }) => axes.join() === String(axis)) && positions(before.ids, after.ids) !== null;
}

interface SideDifference {
  readonly title: string;
  readonly isSure: boolean;
  /** What is meant, as the pruned model calls it and as the dense one does. */
  readonly name: string | null;
  readonly other: string | null;
  /** The one axis whose size differs. */
  readonly axis: number | null;
  readonly isConverted?: boolean;
}

function countsDiffer(what: string, after: readonly unknown[], before: readonly unknown[]): string {
  return `it has ${counted(after.length, what)}, the dense model ${before.length}`;
}

/** PyTorch has two exporters, of which one calls its nodes `node_conv2d`. */
function exporterOf({ model, nodes }: Network): string {
  return `${model.producer.name} ${nodes.some(({ name }) => name.startsWith('node_'))}`;
}

function sideDifferences(
  what: 'input' | 'output',
  before: readonly OnnxValueInfo[],
  after: readonly OnnxValueInfo[],
  isOneExporter: boolean,
  wasConverted: IsConverted,
): SideDifference[] {
  if (before.length !== after.length) return [surely(countsDiffer(what, after, before))];
  const names = (infos: readonly OnnxValueInfo[]): string => infos.map(({ name }) => name).join(', ');
  const isSameSet = new Set([...before, ...after].map(({ name }) => name)).size === before.length;
  if (isSameSet && names(before) !== names(after))
    return [surely(`its ${what}s stand in another order: ${names(after)} instead of ${names(before)}`)];
  const isNumbered = after.every(({ name }, at) => name === `input.${at}`);
  return after.flatMap((info, at) => {
    const other = before[at]!;
    const isConverted = wasConverted(other.dtype, info.dtype);
    const [type, shape] = [typeDifference(other, info), shapeDifference(other, info)];
    // Of two differences the one that nothing explains.
    const says = isConverted ? (shape ?? type) : (type ?? shape);
    if (says !== null) {
      const difference = surely(`its ${what} ${info.name} ${says}`);
      return isConverted && shape === null
        ? [{ ...difference, isConverted }]
        : [{ ...difference, name: info.name, other: other.name, axis: soleAxis(other, info) }];
    }
    // NNCF calls inputs by their places, whatever they were called (nncf/torch/exporter.py); TorchScript counts from 1.
    const isNamed = what === 'input' && info.name !== other.name && !isNumbered;
    return isNamed ? nameDifference(other.name, info.name, isOneExporter) : [];
  });
}

function surely(title: string): SideDifference {
  return { title, isSure: true, name: null, other: null, axis: null };
}

function nameDifference(before: string, after: string, isOneExporter: boolean): SideDifference[] {
  const [a, b] = [giverOf(before), giverOf(after)];
  const isGiven = a === 'user' && b === 'user';
  // Each exporter has its own way to make a name of what the source calls its argument.
  if (isOneExporter ? a === 'exporter' && b === 'exporter' : !isGiven) return [];
  return [{ ...surely(`its input ${before} is called ${after}`), isSure: isOneExporter && isGiven }];
}

/**
 * Names with counters, and with what exporters put around an argument's name: TorchScript `input.1` and `onnx::Conv_0`
 * (torch/csrc/jit/ir/ir.cpp), dynamo `l_x_` and `arg0_1`, Keras `input_1` and `keras_tensor_3`, TensorFlow `serving_default_x:0` and `args_0`.
 */
const COUNTED: readonly RegExp[] = [
  /.\.\d+$/,
  /^onnx::./,
  /^l_.+_$/,
  /^arg_?\d+_\d+$/,
  /^(?:args|input|input_layer|keras_tensor)_\d+$/,
  /^serving_default_./,
];
/** What an exporter makes of an argument's name, and users like as well. */
const COMMON = /^(?:x|inputs?|args|input_layer|input_ids|pixel_values|data)$/i;

function giverOf(name: string): 'exporter' | 'either' | 'user' {
  const own = name.replace(/:\d+$/, '');
  if (isMadeUp(name) || COUNTED.some((form) => form.test(own))) return 'exporter';
  return COMMON.test(own) ? 'either' : 'user';
}

/** The one axis behind the batch along which two tensors of one type have different sizes. */
function soleAxis(before: OnnxValueInfo, after: OnnxValueInfo): number | null {
  if (before.dtype !== after.dtype || before.shape?.length !== after.shape?.length) return null;
  const differing = (before.shape ?? []).flatMap((size, axis) => {
    const other = after.shape?.[axis];
    return axis > 0 && typeof size === 'number' && typeof other === 'number' && size !== other ? [axis] : [];
  });
  return differing.length === 1 ? differing[0]! : null;
}

function typeDifference(before: OnnxValueInfo, after: OnnxValueInfo): string | null {
  const isOther = before.dtype !== after.dtype && before.dtype !== 'undefined' && after.dtype !== 'undefined';
  return isOther ? `is ${after.dtype} instead of ${before.dtype}` : null;
}

function shapeDifference(before: OnnxValueInfo, after: OnnxValueInfo): string | null {
  if (before.shape === null || after.shape === null) return null;
  if (before.shape.length !== after.shape.length)
    return `has ${counted(after.shape.length, 'axis', 'axes')} instead of ${before.shape.length}`;
  const at = before.shape.findIndex((size, axis) => {
    const other = after.shape![axis];
    return axis > 0 && typeof size === 'number' && typeof other === 'number' && size !== other;
  });
  return at < 0 ? null : `is ${sizes(after)} instead of ${sizes(before)}`;
}

function sizes({ shape }: OnnxValueInfo): string {
  return (shape ?? []).map((size) => size ?? '?').join(' x ');
}
