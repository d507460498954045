import type { OnnxNode, Tensor } from '../onnx/index.ts';
import { constantTensor, isFloat, toFloat64, toIntegers } from '../onnx/index.ts';
import type { NormalForm, Operation, Setting, Settings, Surroundings } from './operation-types.ts';
import { type Padding, paddingOf, paddingOfPad, withPadding } from './padding.ts';
import { attribute } from './walk.ts';

/** Nodes that move or rename elements: where their channels go is what `Network` follows. */
const LAYOUT = new Set([
  ...['Identity', 'Dropout', 'Cast', 'CastLike', 'Transpose', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Expand'],
]);
/** Nodes whose attributes say which channels go where, which `Network` follows too. */
const ROUTING = new Set(['Concat', 'Split', 'Slice', 'Gather', 'Softmax', 'LogSoftmax', 'Hardmax']);

/** Attributes that ai.onnx gives a value where a node has none. */
const DEFAULTS: Readonly<Record<string, Settings>> = {
  LeakyRelu: { alpha: 0.01 },
  Elu: { alpha: 1 },
  Celu: { alpha: 1 },
  Selu: { alpha: Math.fround(1.6732632), gamma: Math.fround(1.050701) },
  HardSigmoid: { alpha: Math.fround(0.2), beta: 0.5 },
  ThresholdedRelu: { alpha: 1 },
  Gelu: { approximate: 'none' },
  LRN: { alpha: Math.fround(0.0001), beta: 0.75, bias: 1 },
  InstanceNormalization: { epsilon: Math.fround(1e-5) },
  LayerNormalization: { epsilon: Math.fround(1e-5) },
  BatchNormalization: { epsilon: Math.fround(1e-5) },
  LpNormalization: { p: 2 },
  LpPool: { p: 2 },
  GlobalLpPool: { p: 2 },
};

/** What a node is among operations. `operands` are the operations that it reads, in order. */
export function normalForm(
  around: Surroundings,
  node: OnnxNode,
  operands: readonly number[],
  call: Operation['call'],
): NormalForm {
  const { opType: op } = node;
  const [first] = operands;
  // A layer that reads nothing that is computed still has weights.
  if (first === undefined) return { op, settings: {}, inputs: [] };
  if (call !== null) return weighted(around, node, first, call.layer);
  if (node.domain !== '' && node.domain !== 'ai.onnx') return plain(around, `${node.domain}.${op}`, node, operands);
  if (LAYOUT.has(op)) return { same: first };
  if (ROUTING.has(op)) return { op, settings: op === 'Split' ? { output: 0 } : {}, inputs: operands };
  switch (op) {
    // Its vectors follow the layer's channels and are held against the dense ones as such, folded or not.
    case 'BatchNormalization':
      return affine(around, first);
    case 'Relu':
      return clamp(around, first, 0, Number.POSITIVE_INFINITY);
    case 'Clip':
      return clamp(
        around,
        first,
        boundOf(around, node, 1, 'min') ?? Number.NEGATIVE_INFINITY,
        boundOf(around, node, 2, 'max') ?? Number.POSITIVE_INFINITY,
      );
    case 'Add':
    case 'Sum':
    case 'Sub':
    case 'Mul':
    case 'Div':
    case 'Max':
    case 'Min':
    case 'PRelu':
      return arithmetic(around, node, operands);
    case 'MaxPool':
    case 'AveragePool':
    case 'LpPool':
      return pool(around, node, first);
    case 'ReduceMean':
    case 'ReduceMax':
      return reduction(around, node, first);
    case 'Resize':
    case 'Upsample':
      return { op: 'Resize', settings: resizeSettings(around, node), inputs: [first] };
    case 'Pad':
      return { op, settings: padSettings(around, node), inputs: [first] };
    default:
      return plain(around, op, node, operands);
  }
}

function weighted(around: Surroundings, node: OnnxNode, first: number, id: number): NormalForm {
  const layer = around.network.layers[id]!;
  if (node.opType === 'MatMul') return { op: 'dense', settings: { alpha: 1 }, inputs: [first] };
  if (node.opType === 'Gemm') {
    const beta: Settings = node.inputs.length > 2 ? { beta: attribute(node, 'beta', 'float') ?? 1 } : {};
    return { op: 'dense', settings: { alpha: attribute(node, 'alpha', 'float') ?? 1, ...beta }, inputs: [first] };
  }
  const padding = paddingOf(around.network, node);
  const before = around.at(first);
  const added = before.op === 'Pad' && before.settings['mode'] === 'constant' && before.settings['value'] === 0;
  const merged = added ? withPadding(padding, before.settings['pads']) : null;
  const settings: Settings = {
    ...windowSettings(merged ?? padding),
    // The groups of a depthwise conv are its channels.
    ...(layer.kind === 'conv' && layer.groups > 1 ? { group: layer.groups } : {}),
    ...listed(node, 'output_padding', 'output_shape'),
  };
  return { op: node.opType, settings, inputs: merged === null ? [first] : before.inputs };
}

function windowSettings({ kernel, strides, dilations, pads }: Padding): Settings {
  return { ...(kernel === null ? {} : { kernel }), strides, dilations, pads };
}

function listed(node: OnnxNode, ...names: readonly string[]): Settings {
  const found = names.flatMap((name) => {
    const value = attribute(node, name, 'ints');
    return value === null ? [] : [[name, value] as const];
  });
  return Object.fromEntries(found);
}

/** Their vectors follow channels, and are compared as such. */
const NORMALIZING = new Set(['InstanceNormalization', 'LayerNormalization', 'GroupNormalization']);

/** Any node: its attributes as they stand, and its scalar operands. */
function plain(around: Surroundings, op: string, node: OnnxNode, operands: readonly number[]): NormalForm {
  const settings: Record<string, Setting> = { ...DEFAULTS[op] };
  for (const [name, found] of node.attributes) {
    if (found.kind === 'int' || found.kind === 'float' || found.kind === 'string' || found.kind === 'ints')
      settings[name] = found.value;
  }
  for (const [k, name] of node.inputs.entries()) {
    if (name === '' || around.operand(name) !== undefined || NORMALIZING.has(op)) continue;
    settings[`operand ${k + 1}`] = scalarOf(around, name) ?? 'computed';
  }
  delete settings['momentum'];
  return { op, settings, inputs: operands };
}

const AFFINE = new Set(['Add', 'Sum', 'Sub', 'Mul', 'Div']);

/** A factor and a summand for each channel: behind a layer with weights they may be folded into it, and two in a row into one. */
function affine(around: Surroundings, input: number): NormalForm {
  const { op, call } = around.at(input);
  return call !== null || op === 'Affine' ? { same: input } : { op: 'Affine', settings: {}, inputs: [input] };
}

/** A clamp of a clamp is one; one without bounds is none. */
function clamp(around: Surroundings, input: number, min: Setting, max: Setting): NormalForm {
  const before = around.at(input);
  if (min === Number.NEGATIVE_INFINITY && max === Number.POSITIVE_INFINITY) return { same: input };
  const { min: low, max: high } = before.settings;
  if (before.op !== 'Clip' || [min, max, low, high].some((bound) => typeof bound !== 'number'))
    return { op: 'Clip', settings: { min, max }, inputs: [input] };
  const inside = (bound: number): number => Math.min(Math.max(bound, min as number), max as number);
  return { op: 'Clip', settings: { min: inside(low as number), max: inside(high as number) }, inputs: before.inputs };
}

/** A bound of a Clip: an input or, before ai.onnx 11, an attribute. Null where there is none. */
function boundOf(around: Surroundings, node: OnnxNode, k: number, name: string): Setting | null {
  const written = attribute(node, name, 'float');
  if (written !== null) return written;
  const from = node.inputs[k] ?? '';
  return from === '' ? null : (scalarOf(around, from) ?? 'computed');
}

/** Sums, products, maxima: of signals, or of one signal and a constant. */
function arithmetic(around: Surroundings, node: OnnxNode, operands: readonly number[]): NormalForm {
  const { opType } = node;
  const [first = 0] = operands;
  const constants = node.inputs.filter((name) => around.operand(name) === undefined);
  const value = constants.length === 1 ? scalarOf(around, constants[0]!) : null;
  const isFirst = around.operand(node.inputs[0]!) !== undefined;
  // Of a layer of one filter a bias is one number.
  const { call } = around.at(first);
  const isOfOneFilter = call !== null && around.network.layers[call.layer]!.filters === 1;
  if (operands.length === 1 && value !== null && !(isOfOneFilter && AFFINE.has(opType))) {
    if (opType === 'Max') return clamp(around, first, value, Number.POSITIVE_INFINITY);
    if (opType === 'Min') return clamp(around, first, Number.NEGATIVE_INFINITY, value);
    if (opType === 'PRelu') return { op: 'LeakyRelu', settings: { alpha: value }, inputs: operands };
    if (opType === 'Add' || (opType === 'Sub' && isFirst)) return shifted(first, opType === 'Add' ? value : -value);
    if (opType === 'Mul' || (opType === 'Div' && isFirst))
      return scaled(first, opType === 'Mul' ? value : Math.fround(1 / value));
    return { op: opType, settings: { operand: value, side: isFirst ? 'right' : 'left' }, inputs: operands };
  }
  if (operands.length === 1) {
    // A bias, or a BatchNorm taken apart: it follows the channels of the layer.
    if (AFFINE.has(opType)) return affine(around, first);
    return { op: opType, settings: { side: isFirst ? 'right' : 'left' }, inputs: operands };
  }
  if (opType === 'Mul' && operands.length === 2) {
    const gate = gated(around, operands[0]!, operands[1]!) ?? gated(around, operands[1]!, operands[0]!);
    if (gate !== null) return gate;
  }
  return { op: opType === 'Sum' ? 'Add' : opType, settings: {}, inputs: operands };
}

function shifted(input: number, by: number): NormalForm {
  return by === 0 ? { same: input } : { op: 'Add', settings: { operand: by }, inputs: [input] };
}

function scaled(input: number, by: number): NormalForm {
  return by === 1 ? { same: input } : { op: 'Mul', settings: { operand: by }, inputs: [input] };
}

/** x * sigmoid(x) is Swish, x * HardSigmoid(x) with a slope of 1/6 HardSwish (ai.onnx 14). */
function gated(around: Surroundings, input: number, gate: number): NormalForm | null {
  const { op, inputs, settings } = around.at(gate);
  if (inputs[0] !== input) return null;
  if (op === 'Sigmoid') return { op: 'Swish', settings: { alpha: 1 }, inputs: [input] };
  const isHard =
    op === 'HardSigmoid' && settings['alpha'] === Math.fround(1 / 6) && settings['beta'] === Math.fround(0.5);
  return isHard ? { op: 'HardSwish', settings: {}, inputs: [input] } : null;
}

/** A pooling window over the whole of its input is global pooling. */
function pool(around: Surroundings, node: OnnxNode, input: number): NormalForm {
  const padding = paddingOf(around.network, node);
  const { kernel, input: sizes, pads } = padding;
  const isUnpadded = typeof pads !== 'string' && pads.every((pad) => pad === 0);
  if (isUnpadded && kernel !== null && sizes !== null && kernel.every((size, k) => size === sizes[k]))
    return { op: `Global${node.opType}`, settings: {}, inputs: [input] };
  const settings: Record<string, Setting> = {
    ...windowSettings(padding),
    ceil_mode: attribute(node, 'ceil_mode', 'int') ?? 0,
    ...(node.opType === 'LpPool' ? { p: attribute(node, 'p', 'int') ?? 2 } : {}),
    ...(node.opType === 'AveragePool' && !isUnpadded
      ? { count_include_pad: attribute(node, 'count_include_pad', 'int') ?? 0 }
      : {}),
  };
  return { op: node.opType, settings, inputs: [input] };
}

/** A mean or maximum over the spatial axes is global pooling; over others it is told by the number of its axes. */
function reduction(around: Surroundings, node: OnnxNode, input: number): NormalForm {
  const axes = attribute(node, 'axes', 'ints') ?? integersIn(around, node.inputs[1] ?? '');
  if (axes?.length === 2)
    return { op: node.opType === 'ReduceMean' ? 'GlobalAveragePool' : 'GlobalMaxPool', settings: {}, inputs: [input] };
  return { op: node.opType, settings: axes === null ? {} : { axes: axes.length }, inputs: [input] };
}

function resizeSettings(around: Surroundings, node: OnnxNode): Settings {
  const mode = attribute(node, 'mode', 'string') ?? 'nearest';
  const at = node.opType === 'Upsample' || node.inputs.length === 2 ? 1 : 2;
  const scales = attribute(node, 'scales', 'floats') ?? floatsIn(around, node.inputs[at] ?? '');
  return {
    mode,
    ...(node.opType === 'Upsample'
      ? {}
      : { coordinates: attribute(node, 'coordinate_transformation_mode', 'string') ?? 'half_pixel' }),
    // Channels and batch are not resized; where the spatial axes stand depends on the layout.
    ...(scales === null || scales.length === 0 ? {} : { scales: scales.filter((scale) => scale !== 1) }),
  };
}

function padSettings(around: Surroundings, node: OnnxNode): Settings {
  const mode = attribute(node, 'mode', 'string') ?? 'constant';
  const listedPads =
    attribute(node, 'pads', 'ints') ?? attribute(node, 'paddings', 'ints') ?? integersIn(around, node.inputs[1] ?? '');
  const pads = listedPads === null ? null : paddingOfPad(around.network, node, listedPads);
  const value = attribute(node, 'value', 'float') ?? scalarOf(around, node.inputs[2] ?? '') ?? 0;
  return { mode, value, ...(pads === null ? {} : { pads }) };
}

/** The tensor that a constant's name stands for, behind nodes that only reshape or cast it; null where it is computed. */
function tensorNamed({ network, constant }: Surroundings, name: string): Tensor | null {
  const { graph } = network.model;
  for (let from = name, steps = 0; steps < 8; steps++) {
    const stored = graph.initializers.get(from);
    if (stored !== undefined) return stored;
    const maker = constant(from);
    if (maker === undefined) return null;
    const tensor = constantTensor(maker);
    if (tensor !== null) return tensor;
    if (!LAYOUT.has(maker.opType) || maker.inputs[0] === undefined) return null;
    from = maker.inputs[0];
  }
  return null;
}

/** The value of a constant of one element; null for any other. */
function scalarOf(around: Surroundings, name: string): number | null {
  const tensor = name === '' ? null : tensorNamed(around, name);
  if (tensor === null || tensor.elements !== 1) return null;
  const data = tensor.read();
  return isFloat(tensor.dtype) ? toFloat64(data)[0]! : /int|bool/.test(tensor.dtype) ? toIntegers(data)[0]! : null;
}

/** Longest list of axes, pads or scales that is read. */
const MAX_LISTED = 64;

function integersIn(around: Surroundings, name: string): readonly number[] | null {
  const tensor = name === '' ? null : tensorNamed(around, name);
  if (tensor === null || tensor.elements > MAX_LISTED || !/^int(32|64)$/.test(tensor.dtype)) return null;
  return toIntegers(tensor.read(), 'saturate');
}

function floatsIn(around: Surroundings, name: string): readonly number[] | null {
  const tensor = name === '' ? null : tensorNamed(around, name);
  if (tensor === null || tensor.elements > MAX_LISTED || tensor.dtype !== 'float32') return null;
  return [...toFloat64(tensor.read())];
}
