import type { OnnxNode, Tensor } from '../onnx/index.ts';
import { isUniform } from './channels.ts';
import { knownIn } from './numbers.ts';
import type { Operand, Operation, Operations } from './operation-types.ts';
import { type Form, type NodeFacts, plainSettings, type Settings } from './operators/form.ts';
import { operatorOf } from './operators/index.ts';
import type { Operator } from './operators/operator.ts';
import { readsOf } from './reads.ts';
import type { Network, NetworkTensor } from './types.ts';

/** Operations as they come together: what made each tensor, and all before it. */
interface Draft {
  readonly network: Network;
  /** Constants that follow channels, which recovery compares. */
  readonly following: ReadonlySet<Tensor>;
  readonly all: Operation[];
  /** Position of the operation that makes each tensor. */
  readonly made: Map<string, number>;
}

/** Reads a network's operations. Layout (transposes, reshapes), casts and what BatchNorm folding removes are left out. */
export function operationsOf(network: Network): Operations {
  const following = new Set(network.followers.map(({ tensor }) => tensor));
  const draft: Draft = { network, following, all: [], made: new Map() };
  const { all, made } = draft;
  for (const { name } of network.model.graph.inputs) {
    if (!network.tensors.has(name)) continue;
    made.set(name, all.length);
    all.push({ op: 'Input', settings: {}, inputs: [], pointwise: null, tells: 'all', call: null, name, tensor: name });
  }
  for (const { handle } of network.nodes) addNode(draft, handle);
  return { all, made, outputs: network.model.graph.outputs.map(({ name }) => made.get(name) ?? null) };
}

function addNode(draft: Draft, node: OnnxNode): void {
  const { network, all, made } = draft;
  const [tensor = ''] = node.outputs;
  const own = network.tensors.get(tensor);
  if (own === undefined) return;
  const operator = operatorOf(node);
  const inputs = readsOf(node).flatMap((name) => made.get(name) ?? []);
  const isCall = operator?.role === 'weights' && inputs.length <= 1 && network.layers[own.layer]!.weight !== null;
  const call = isCall ? { layer: own.layer, call: own.call } : null;
  const name = node.name || tensor;
  const found = operationOf(draft, node, operator, inputs);
  const [first] = inputs;
  // Of two operands that are computed it is no layer's call.
  const isOwn = found === 'same' || (call === null && operator?.role === 'weights');
  const op = isOwn ? node.opType : found.op;
  if (call === null && first !== undefined && found === 'same') made.set(tensor, first);
  else if (found !== 'same') {
    made.set(tensor, all.length);
    const { settings, pointwise, tells } = found;
    all.push({ op, settings, inputs: found.inputs, pointwise, tells, call, name, tensor });
  }
  for (let k = 1; k < node.outputs.length; k++) {
    const output = node.outputs[k]!;
    if (output === '') continue;
    made.set(output, all.length);
    const settings = { ...(found === 'same' ? {} : found.settings), output: k };
    const tells = found === 'same' ? 'nothing' : found.tells;
    all.push({ op, settings, inputs, pointwise: null, tells, call: null, name, tensor: output });
  }
}

function formOf(draft: Draft, node: OnnxNode, operator: Operator | undefined, inputs: readonly number[]): Form {
  const { domain, opType } = node;
  if (operator === undefined || inputs.length === 0)
    return { kind: 'operation', op: domain === '' ? opType : `${domain}.${opType}`, settings: plainSettings(node) };
  if (operator.form !== undefined) return operator.form(factsOf(draft.network, node));
  if (operator.pointwise !== undefined) return { kind: 'pointwise' };
  return { kind: 'operation', op: opType, settings: plainSettings(node) };
}

function factsOf(network: Network, node: OnnxNode): NodeFacts {
  const tensor = (name: string | undefined): NetworkTensor | undefined => network.tensors.get(name ?? '');
  const channels = tensor(node.inputs[0])?.channels ?? null;
  return {
    node,
    opset: network.model.opsets.get('') ?? 0,
    shape: (k) => tensor(node.inputs[k])?.shape ?? network.constants.get(node.inputs[k] ?? '')?.view.dims ?? null,
    outputShape: tensor(node.outputs[0])?.shape ?? null,
    channelAxis:
      channels !== null && 'axes' in channels && channels.axes.length === 1 && !isUniform(channels)
        ? channels.axes[0]!
        : null,
    numbers: (k) => network.numbers(node.inputs[k] ?? ''),
    isSized: (k) => network.isSized(node.inputs[k] ?? ''),
  };
}

type Computed = Pick<Operation, 'op' | 'settings' | 'inputs' | 'pointwise' | 'tells'>;

/** What a node is among operations; 'same' for one that is nothing but its first operand. */
function operationOf(
  draft: Draft,
  node: OnnxNode,
  operator: Operator | undefined,
  inputs: readonly number[],
): Computed | 'same' {
  const [first] = inputs;
  const form = formOf(draft, node, operator, inputs);
  if (first === undefined) return { ...plainOperation(form, node, inputs), tells: 'nothing' };
  if (form.kind === 'same') return 'same';
  const before = draft.all[first]!;
  if (inputs.length === 1 && operator?.isAffine === true && isAffine(draft, node, form, before)) {
    // Behind a layer with weights they may be folded into it, and two in a row into one.
    if (before.call !== null || before.op === 'Affine') return 'same';
    return { op: 'Affine', settings: {}, inputs, pointwise: null, tells: 'same' };
  }
  if (form.kind === 'pointwise') {
    const found = pointwiseOf(draft, node, operator, inputs);
    return isIdentity(found) ? 'same' : found;
  }
  const { op, settings } = form;
  const tells = Object.values(settings).includes(null) ? 'nothing' : (operator?.tells ?? 'nothing');
  const merged =
    operator?.role === 'weights' && before.op === 'Pad'
      ? withPadding(settings, before.settings)
      : op === MAXIMUM && before.op === MAXIMUM && inputs.length === 1
        ? withWindow(settings, before.settings)
        : null;
  if (merged !== null) return { op, settings: merged, inputs: before.inputs, pointwise: null, tells };
  return { op, settings, inputs, pointwise: null, tells };
}

function plainOperation(form: Form, node: OnnxNode, inputs: readonly number[]): Omit<Computed, 'tells'> {
  return { op: node.opType, settings: form.kind === 'operation' ? form.settings : {}, inputs, pointwise: null };
}

/**
 * A factor or a summand for each channel, which is compared as what follows channels. Of a layer of one filter it is a vector of one
 * number; a scalar is part of a function.
 */
function isAffine(draft: Draft, node: OnnxNode, form: Form, before: Operation): boolean {
  if (form.kind === 'operation') return true;
  const { network } = draft;
  return node.inputs.some((name) => {
    const dims = network.constants.get(name)?.view.dims ?? [];
    if (isOfOneFilter(network, before)) return dims.length > 0;
    return dims.some((size) => size > 1) && !isFree(draft, node, name);
  });
}

/** Whether no channels are followed by a constant of several elements, for sure: an image's mean, anchors, positions. */
function isFree({ network, following }: Draft, node: OnnxNode, name: string): boolean {
  const constant = network.constants.get(name);
  if (constant === undefined || following.has(constant.view.tensor) || network.isSized(name)) return false;
  const channels = network.tensors.get(node.outputs[0] ?? '')?.channels ?? null;
  return channels === null || !('opaque' in channels);
}

/** Elements of a constant that are compared: many spread over all, for constants of any size cost the same. */
const MAX_VALUES = 4096;
/** Digits of elements that exporters may have computed. */
const DIGITS = 5;

/** Elements of the one constant that follows no channels; null where there are others, or they are not known. */
function freeValues(draft: Draft, node: OnnxNode, operands: readonly Operand[]): readonly number[] | null {
  const [only, ...others] = operands.flatMap((operand) => (operand.kind === 'constant' ? [operand.name] : []));
  if (only === undefined || others.length > 0 || !isFree(draft, node, only)) return null;
  const numbers = draft.network.numbers(only);
  const known = numbers === null ? null : knownIn(numbers);
  if (known === null || known.length === 0) return null;
  const step = Math.ceil(known.length / MAX_VALUES);
  return Array.from({ length: Math.ceil(known.length / step) }, (_, k) => Number(known[k * step]!.toPrecision(DIGITS)));
}

function isOfOneFilter(network: Network, { call }: Operation): boolean {
  return call !== null && network.layers[call.layer]!.filters === 1;
}

function pointwiseOf(
  draft: Draft,
  node: OnnxNode,
  operator: Operator | undefined,
  inputs: readonly number[],
): Computed {
  const operands = node.inputs.map((name) => operandOf(draft, name));
  const isKnown = operands.every(({ kind }) => kind === 'operation' || kind === 'number');
  const apply = isKnown ? (operator?.pointwise?.(node, isOfIntegers(draft, node)) ?? null) : null;
  // Of a layer of one filter a scalar may be its bias, too.
  const isBias =
    operator?.isAffine === true && inputs.length === 1 && isOfOneFilter(draft.network, draft.all[inputs[0]!]!);
  const tells = isBias ? 'same' : 'all';
  if (apply !== null) return { op: node.opType, settings: {}, inputs, pointwise: { apply, operands }, tells };
  // Which element of a vector meets which position is not known here.
  const isVector = operands.every(({ kind }) => kind !== 'unknown');
  const side = operands.findIndex(({ kind }) => kind === 'operation');
  const values = freeValues(draft, node, operands);
  const settings = values === null ? { side } : { side, values };
  return { op: node.opType, settings, inputs, pointwise: null, tells: isVector ? 'same' : 'nothing' };
}

/** Numbers of both signs, beyond the bounds of common activations. */
const PROBES = [-7.3, -0.4, 0, 0.6, 9.1];

/** Whether a function of one operand gives it back: a sum with 0, a product with 1, a Clip without bounds. */
function isIdentity({ inputs, pointwise }: Computed): boolean {
  if (pointwise === null || inputs.length !== 1) return false;
  const { apply, operands } = pointwise;
  return PROBES.every(
    (x) => apply(...operands.map((operand) => (operand.kind === 'number' ? operand.value : x))) === x,
  );
}

function isOfIntegers({ network }: Draft, node: OnnxNode): boolean {
  return node.inputs.some((name) => /^int(32|64)$/.test(network.numbers(name)?.dtype ?? ''));
}

function operandOf({ network, made }: Draft, name: string): Operand {
  const at = made.get(name);
  if (at !== undefined) return { kind: 'operation', at };
  if (name === '') return { kind: 'number', value: Number.NaN };
  if (network.isSized(name)) return { kind: 'unknown' };
  const numbers = network.numbers(name);
  const value = numbers?.data.length === 1 ? numbers.data[0]! : null;
  if (value !== null) return { kind: 'number', value };
  return network.constants.has(name) ? { kind: 'constant', name } : { kind: 'unknown' };
}

/** A window with zeros of a Pad node around its input; null where either is not known, or the Pad does something else. */
function withPadding(window: Settings, pad: Settings): Settings | null {
  const [pads, added] = [window['pads'], pad['pads']];
  if (pad['mode'] !== 'constant' || pad['value'] !== 0 || !Array.isArray(pads) || !Array.isArray(added)) return null;
  // What it takes away is a part of the picture, which others write as a slice.
  return added.length === pads.length && added.every((size) => size >= 0)
    ? { ...window, pads: pads.map((size, k) => size + added[k]!) }
    : null;
}

const MAXIMUM = 'MaxPool';

/** A maximum over a window of maxima in steps of one is one over a larger window, as YOLO's SPPF has it; null where they are others. */
function withWindow(window: Settings, before: Settings): Settings | null {
  const lists = (of: Settings, name: string): readonly number[] => (Array.isArray(of[name]) ? of[name] : []);
  const [kernel, inner] = [lists(window, 'kernel'), lists(before, 'kernel')];
  const [pads, added] = [lists(window, 'pads'), lists(before, 'pads')];
  const steps = [...lists(before, 'strides'), ...lists(before, 'dilations'), ...lists(window, 'dilations')];
  const isWhole = kernel.length > 0 && kernel.length === inner.length && pads.length === added.length;
  if (!isWhole || pads.length !== 2 * kernel.length || steps.some((step) => step !== 1) || before['ceil_mode'] !== 0)
    return null;
  return {
    ...window,
    kernel: kernel.map((size, k) => size + inner[k]! - 1),
    pads: pads.map((size, k) => size + added[k]!),
  };
}
