import { isMadeUp, type Network } from '../network/index.ts';
import type { OnnxGraph, OnnxValueInfo } from '../onnx/index.ts';
import { counted } from '../prose/index.ts';

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

/**
 * How the pruned model is called otherwise than the dense one, a sentence each without its end. Names count where one exporter
 * wrote both models and did not make them up; a size that one of them leaves open is no difference, nor is the batch.
 */
export function interfaceDifferences(dense: Network, pruned: Network): readonly string[] {
  const [a, b] = [dense.model.graph, pruned.model.graph];
  const isOneExporter = dense.model.producer.name === pruned.model.producer.name;
  return [
    ...sideDifferences('input', inputsOf(a), inputsOf(b), isOneExporter),
    ...sideDifferences('output', a.outputs, b.outputs, isOneExporter),
  ];
}

function sideDifferences(
  what: 'input' | 'output',
  before: readonly OnnxValueInfo[],
  after: readonly OnnxValueInfo[],
  isOneExporter: boolean,
): string[] {
  if (before.length !== after.length)
    return [`it has ${counted(after.length, what)}, the dense model ${before.length}`];
  const names = (infos: readonly OnnxValueInfo[]): string => infos.map(({ name }) => name).join(', ');
  const isSameSet = new Set([...before, ...after].map(({ name }) => name)).size === before.length;
  if (isSameSet && names(before) !== names(after))
    return [`its ${what}s stand in another order: ${names(after)} instead of ${names(before)}`];
  return after.flatMap((info, at) => {
    const other = before[at]!;
    const type = typeDifference(other, info);
    if (type !== null) return [`its ${what} ${info.name} ${type}`];
    const isNamed = what === 'input' && isOneExporter && isGiven(info.name) && isGiven(other.name);
    return isNamed && info.name !== other.name ? [`its ${what} ${other.name} is called ${info.name}`] : [];
  });
}

/** Whether the user gave an input its name: TorchScript numbers the names of values (`input.1`, torch/csrc/jit/ir/ir.cpp). */
function isGiven(name: string): boolean {
  return !isMadeUp(name) && !/\.\d+$/.test(name);
}

function typeDifference(before: OnnxValueInfo, after: OnnxValueInfo): string | null {
  if (before.dtype !== after.dtype && before.dtype !== 'undefined' && after.dtype !== 'undefined')
    return `is ${after.dtype} instead of ${before.dtype}`;
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
