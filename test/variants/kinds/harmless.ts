import { clearField, create } from '@bufbuild/protobuf';
import {
  type NodeProto,
  NodeProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from '../../onnx/onnx_pb.generated.js';
import { edits, type Kind } from '../kind.ts';
import {
  attributeOf,
  dimsOf,
  dropAttribute,
  FLOAT,
  float,
  floatsOf,
  int,
  intOf,
  ints,
  listOf,
  type Model,
  setAttribute,
  setFloats,
  tensor as tensorAttribute,
  text,
} from '../model.ts';
import { kernelsOf } from './weights.ts';

type Edit = (model: Model, node: NodeProto) => boolean | undefined;

const on = (name: string, ops: readonly string[], edit: Edit): Kind =>
  edits(name, 'harmless', (model) => model.nodesOf(...ops), edit);
const whole = (name: string, edit: (model: Model) => boolean | undefined): Kind =>
  edits(name, 'harmless', () => [0], edit);

/** Calls `rename` with every name of a tensor that is neither input nor output of the model, and writes what it gives. */
function renameTensors(model: Model, rename: (name: string, isStored: boolean) => string): void {
  const fixed = new Set([...model.graph.input, ...model.graph.output].map(({ name }) => name));
  const stored = new Set(model.graph.initializer.map(({ name }) => name));
  const names = new Map<string, string>();
  const renamed = (name: string): string => {
    if (name === '' || fixed.has(name)) return name;
    const known = names.get(name) ?? rename(name, stored.has(name));
    names.set(name, known);
    return known;
  };
  for (const node of model.nodes) {
    node.input = node.input.map(renamed);
    node.output = node.output.map(renamed);
  }
  for (const initializer of model.graph.initializer) initializer.name = renamed(initializer.name);
  for (const info of model.graph.valueInfo) info.name = renamed(info.name);
}

export const NAMING_KINDS: readonly Kind[] = [
  whole('naming: nodes without names', (model) => {
    for (const node of model.nodes) node.name = '';
  }),
  whole('naming: nodes numbered', (model) => {
    for (const [k, node] of model.nodes.entries()) node.name = `${node.opType}_${k}`;
  }),
  whole('naming: all tensors numbered', (model) => {
    let next = 0;
    renameTensors(model, () => `t${next++}`);
  }),
  whole('naming: weights numbered, nodes without names', (model) => {
    let next = 0;
    renameTensors(model, (name, isStored) => (isStored ? `onnx::${next++}` : name));
    for (const node of model.nodes) node.name = '';
  }),
  edits('naming: one weight renamed', 'harmless', kernelsOf, (model, { tensor }) => {
    const from = tensor.name;
    if (from === '') return false;
    renameTensors(model, (name) => (name === from ? 'another_name' : name));
    return true;
  }),
  whole('naming: the model wrapped in another', (model) => {
    for (const node of model.nodes) if (node.name !== '') node.name = `wrapped/${node.name}`;
    renameTensors(model, (name, isStored) => (isStored && name.includes('.') ? `module.${name}` : name));
  }),
  whole('naming: another name of the graph, comments, properties', (model) => {
    model.graph.name = 'another';
    model.graph.docString = 'a comment';
    model.proto.metadataProps.push(create(StringStringEntryProtoSchema, { key: 'made', value: 'elsewhere' }));
  }),
];

export const STORAGE_KINDS: readonly Kind[] = [
  whole('storage: elements as float_data', (model) => {
    for (const tensor of model.graph.initializer) {
      const values = floatsOf(tensor);
      if (values === null) continue;
      tensor.floatData = Array.from(values);
      clearField(tensor, TensorProtoSchema.field.rawData);
    }
  }),
  whole('storage: weights in Constant nodes', (model) => {
    const stored = model.graph.initializer;
    const nodes = stored.map((value) => {
      const { name } = value;
      return create(NodeProtoSchema, {
        opType: 'Constant',
        output: [name],
        attribute: [tensorAttribute('value', value)],
      });
    });
    model.graph.initializer = [];
    const own = new Set(stored.map(({ name }) => name));
    model.graph.input = model.graph.input.filter(({ name }) => !own.has(name));
    model.nodes.unshift(...nodes);
  }),
  whole('storage: Constant nodes as initializers', (model) => {
    const constants = model.nodesOf('Constant').filter((node) => attributeOf(node, 'value')?.t !== undefined);
    if (constants.length === 0) return false;
    for (const node of constants) {
      const value = attributeOf(node, 'value')!.t!;
      value.name = node.output[0]!;
      model.graph.initializer.push(value);
      model.remove(node);
    }
    return true;
  }),
  whole('storage: weights listed among the inputs too', (model) => {
    const known = new Set(model.graph.input.map(({ name }) => name));
    for (const { name, dataType, dims } of model.graph.initializer) {
      if (known.has(name)) continue;
      model.graph.input.push(
        create(ValueInfoProtoSchema, {
          name,
          type: {
            value: {
              case: 'tensorType',
              value: {
                elemType: dataType,
                shape: { dim: dims.map((dim) => ({ value: { case: 'dimValue' as const, value: dim } })) },
              },
            },
          },
        }),
      );
    }
  }),
  whole('storage: without shapes of what is computed', (model) => {
    model.graph.valueInfo = [];
  }),
  whole('storage: a weight that nobody reads', (model) => {
    model.addFloats('unread', [4, 4], new Float32Array(16).fill(1));
  }),
  whole('storage: nodes in another order', (model) => {
    // Each node as early as its operands allow, by name where several are ready: a stable order of another kind.
    const ready = new Set([
      ...model.graph.initializer.map(({ name }) => name),
      ...model.graph.input.map(({ name }) => name),
      '',
    ]);
    const left = [...model.nodes].reverse();
    const ordered: NodeProto[] = [];
    while (left.length > 0) {
      const at = left.findIndex((node) => node.input.every((name) => ready.has(name)));
      if (at < 0) return false;
      const [node] = left.splice(at, 1);
      for (const name of node!.output) ready.add(name);
      ordered.push(node!);
    }
    model.graph.node = ordered;
    return true;
  }),
];

/** Nodes whose result is computed and read by another node. */
function inner(model: Model, ...ops: readonly string[]): NodeProto[] {
  return model
    .nodesOf(...ops)
    .filter(({ output }) => model.readers(output[0]!).length > 0 && !model.isOutput(output[0]!));
}

/** A node of its own behind each of some nodes. */
const behind = (
  name: string,
  ops: readonly string[],
  insert: (model: Model, reader: NodeProto, input: number, made: string) => boolean | undefined,
): Kind =>
  edits(
    name,
    'harmless',
    (model) => inner(model, ...ops),
    (model, node) => {
      const made = node.output[0]!;
      for (const reader of model.readers(made))
        for (const [k, input] of reader.input.entries())
          if (input === made && insert(model, reader, k, made) === false) return false;
      return true;
    },
  );

/** Replaces a node by others that compute its output. */
function instead(
  model: Model,
  node: NodeProto,
  parts: readonly [op: string, input: readonly string[], output: string, attributes?: Parameters<Model['insert']>[4]][],
): void {
  for (const [op, input, output, attributes] of parts) model.insert(node, op, input, [output], attributes ?? []);
  model.remove(node);
}

function isConstantVector(model: Model, name: string | undefined): TensorProto | undefined {
  const tensor = model.stored(name);
  return tensor !== undefined && tensor.dataType === FLOAT ? tensor : undefined;
}

export const REWRITING_KINDS: readonly Kind[] = [
  behind('rewriting: Identity between layers', ['Conv', 'Relu', 'Add', 'Gemm'], (model, reader, k) => {
    model.between(reader, k, 'Identity');
  }),
  behind('rewriting: Dropout between layers', ['Conv', 'Relu', 'Add', 'Gemm'], (model, reader, k) => {
    model.between(reader, k, 'Dropout');
  }),
  behind('rewriting: Cast to float32 between layers', ['Conv', 'Relu', 'Add'], (model, reader, k) => {
    model.between(reader, k, 'Cast', [int('to', FLOAT)]);
  }),
  behind('rewriting: a Transpose there and back', ['Conv', 'Relu', 'Add'], (model, reader, k, made) => {
    if (model.shape(made)?.length !== 4) return false;
    model.between(reader, k, 'Transpose', [ints('perm', [0, 2, 3, 1])]);
    model.between(reader, k, 'Transpose', [ints('perm', [0, 3, 1, 2])]);
    return true;
  }),
  behind('rewriting: an added 0', ['Conv', 'Relu', 'Add'], (model, reader, k) => {
    model.between(reader, k, 'Add', [], [model.addFloats('zero', [], [0])]);
  }),
  behind('rewriting: a product with 1', ['Conv', 'Relu', 'Add'], (model, reader, k) => {
    model.between(reader, k, 'Mul', [], [model.addFloats('one', [], [1])]);
  }),
  behind('rewriting: Unsqueeze and Squeeze', ['Conv', 'Relu', 'Gemm'], (model, reader, k) => {
    if (model.opset < 13) return false;
    const axes = model.addInts('axes', [0]);
    model.between(reader, k, 'Unsqueeze', [], [axes]);
    model.between(reader, k, 'Squeeze', [], [axes]);
    return true;
  }),
  behind('rewriting: a Relu behind a Relu', ['Relu'], (model, reader, k) => {
    model.between(reader, k, 'Relu');
  }),
  edits('rewriting: Identity in front of a weight', 'harmless', kernelsOf, (model, { node }) => {
    model.between(node, 1, 'Identity');
    return true;
  }),
  on('rewriting: Clip for Relu', ['Relu'], (model, node) => {
    node.opType = 'Clip';
    node.input = [node.input[0]!, model.addFloats('low', [], [0])];
  }),
  on('rewriting: Max with 0 for Relu', ['Relu'], (model, node) => {
    node.opType = 'Max';
    node.input = [node.input[0]!, model.addFloats('low', [], [0])];
  }),
  on('rewriting: LeakyRelu with a slope of 0 for Relu', ['Relu'], (_, node) => {
    node.opType = 'LeakyRelu';
    setAttribute(node, float('alpha', 0));
  }),
  on('rewriting: PRelu for LeakyRelu', ['LeakyRelu'], (model, node) => {
    const alpha = attributeOf(node, 'alpha')?.f ?? 0.01;
    node.opType = 'PRelu';
    node.attribute = [];
    node.input = [node.input[0]!, model.addFloats('slope', [1], [alpha])];
  }),
  on('rewriting: Relu and Min for Clip', ['Clip'], (model, node) => {
    const [low, high] = node.input
      .slice(1)
      .map((name) => model.stored(name))
      .map((found) => (found === undefined ? null : floatsOf(found)?.[0]));
    if (low !== 0 || high === undefined || high === null) return false;
    const name = model.unused(`${node.output[0]}_relu`);
    instead(model, node, [
      ['Relu', [node.input[0]!], name],
      ['Min', [name, node.input[2]!], node.output[0]!],
    ]);
    return true;
  }),
  on('rewriting: operands of an Add exchanged', ['Add'], (_, node) => {
    node.input.reverse();
  }),
  on('rewriting: operands of a Mul exchanged', ['Mul'], (_, node) => {
    node.input.reverse();
  }),
  on('rewriting: Sum for Add', ['Add'], (_, node) => {
    node.opType = 'Sum';
  }),
  on('rewriting: Sub of the negated for Add', ['Add'], (model, node) => {
    const [k, tensor] =
      [0, 1]
        .map((at) => [at, isConstantVector(model, node.input[at])] as const)
        .find(([, found]) => found !== undefined) ?? [];
    if (tensor === undefined || k !== 1) return false;
    const values = floatsOf(tensor)!;
    node.opType = 'Sub';
    node.input[1] = model.addFloats(
      'negated',
      dimsOf(tensor),
      values.map((value) => -value),
    );
    return true;
  }),
  on('rewriting: Div by the reciprocal for Mul', ['Mul'], (model, node) => {
    const tensor = isConstantVector(model, node.input[1]);
    const values = tensor === undefined ? null : floatsOf(tensor);
    // Powers of two only: other reciprocals round.
    if (
      tensor === undefined ||
      values === null ||
      values.some((value) => value === 0 || Math.log2(Math.abs(value)) % 1 !== 0)
    )
      return false;
    node.opType = 'Div';
    node.input[1] = model.addFloats(
      'reciprocal',
      dimsOf(tensor),
      values.map((value) => 1 / value),
    );
    return true;
  }),
  on('rewriting: a bias of zeros more', ['Conv'], (model, node) => {
    const out = model.stored(node.input[1])?.dims[0];
    if (out === undefined || node.input.length > 2) return false;
    node.input[2] = model.addFloats('zeros', [Number(out)], new Float32Array(Number(out)));
    return true;
  }),
  on('rewriting: the bias of a convolution in an Add behind it', ['Conv'], (model, node) => {
    const bias = isConstantVector(model, node.input[2]);
    const rank = model.stored(node.input[1])?.dims.length ?? 0;
    if (bias === undefined) return false;
    const made = model.unused(`${node.output[0]}_unbiased`);
    const vector = model.addFloats(
      `${bias.name}_vector`,
      [1, -1, ...new Array<number>(rank - 2).fill(1)].map((size) => (size < 0 ? Number(bias.dims[0]) : size)),
      floatsOf(bias)!,
    );
    const [next] = model.nodes.slice(model.nodes.indexOf(node) + 1);
    const output = node.output[0]!;
    node.output[0] = made;
    node.input = node.input.slice(0, 2);
    if (next === undefined) return false;
    model.insert(next, 'Add', [made, vector], [output]);
    return true;
  }),
  on('rewriting: MatMul and Add for Gemm', ['Gemm'], (model, node) => {
    const weight = model.stored(node.input[1]);
    const bias = node.input[2];
    if (weight === undefined || bias === undefined || intOf(node, 'transA', 0) === 1) return false;
    if ((attributeOf(node, 'alpha')?.f ?? 1) !== 1 || (attributeOf(node, 'beta')?.f ?? 1) !== 1) return false;
    const made = model.unused(`${node.output[0]}_product`);
    const isTurned = intOf(node, 'transB', 0) === 1;
    const turned = isTurned ? model.unused(`${weight.name}_turned`) : node.input[1]!;
    instead(model, node, [
      ...(isTurned
        ? [['Transpose', [node.input[1]!], turned, [ints('perm', [1, 0])]] as [string, string[], string, never]]
        : []),
      ['MatMul', [node.input[0]!, turned], made],
      ['Add', [made, bias], node.output[0]!],
    ]);
    return true;
  }),
  on('rewriting: Gemm for MatMul and Add', ['MatMul'], (model, node) => {
    const add = model.readers(node.output[0]!)[0];
    if (add?.opType !== 'Add' || model.readers(node.output[0]!).length !== 1) return false;
    const bias = add.input.find((name) => name !== node.output[0]);
    const weight = model.stored(node.input[1]);
    if (bias === undefined || weight?.dims.length !== 2 || model.stored(bias)?.dims.length !== 1) return false;
    if ((model.shape(node.output[0]!)?.length ?? 0) !== 2) return false;
    node.opType = 'Gemm';
    node.input = [...node.input, bias];
    node.output = [add.output[0]!];
    model.remove(add);
    return true;
  }),
  on('rewriting: the weight of a Gemm turned', ['Gemm'], (model, node) => {
    const weight = model.stored(node.input[1]);
    const values = weight === undefined ? null : floatsOf(weight);
    const [rows = 0, columns = 0] = weight === undefined ? [] : dimsOf(weight);
    if (weight === undefined || values === null || model.readers(node.input[1]!).length !== 1) return false;
    const turned = Float32Array.from(values, (_, n) => values[(n % rows) * columns + Math.floor(n / rows)]!);
    setFloats(weight, turned, [columns, rows]);
    setAttribute(node, int('transB', 1 - intOf(node, 'transB', 0)));
    return true;
  }),
  on('rewriting: padding in a node of its own', ['Conv'], (model, node) => {
    const pads = listOf(node, 'pads');
    if (pads === null || pads.every((pad) => pad === 0) || model.opset < 11) return false;
    const half = pads.length / 2;
    const all = model.addInts('pads', [0, 0, ...pads.slice(0, half), 0, 0, ...pads.slice(half)]);
    model.between(node, 0, 'Pad', [], [all]);
    setAttribute(
      node,
      ints(
        'pads',
        pads.map(() => 0),
      ),
    );
    return true;
  }),
  on('rewriting: written pads for auto_pad', ['Conv', 'MaxPool', 'AveragePool'], (model, node) => {
    const mode = Buffer.from(attributeOf(node, 'auto_pad')?.s ?? []).toString();
    const shape = model.shape(node.input[0]!);
    const kernel = listOf(node, 'kernel_shape');
    if (!mode.startsWith('SAME') || shape === null || kernel === null) return false;
    const totals = kernel.map((size, k) => {
      const [input, stride] = [shape[k + 2] ?? null, listOf(node, 'strides')?.[k] ?? 1];
      if (input === null) return Number.NaN;
      return Math.max(0, (Math.ceil(input / stride) - 1) * stride + size - input);
    });
    if (totals.some(Number.isNaN)) return false;
    const [less, more] = [totals.map((n) => n >> 1), totals.map((n) => n - (n >> 1))];
    dropAttribute(node, 'auto_pad');
    setAttribute(node, ints('pads', mode === 'SAME_UPPER' ? [...less, ...more] : [...more, ...less]));
    return true;
  }),
  on('rewriting: auto_pad for written pads', ['Conv', 'MaxPool'], (model, node) => {
    const pads = listOf(node, 'pads');
    const kernel = listOf(node, 'kernel_shape');
    const shape = model.shape(node.input[0]!);
    if (pads === null || kernel === null || shape === null || pads.every((pad) => pad === 0)) return false;
    if ((listOf(node, 'dilations') ?? []).some((dilation) => dilation !== 1)) return false;
    const fits = kernel.every((size, k) => {
      const [input, stride] = [shape[k + 2] ?? null, listOf(node, 'strides')?.[k] ?? 1];
      if (input === null) return false;
      const total = Math.max(0, (Math.ceil(input / stride) - 1) * stride + size - input);
      return pads[k] === total >> 1 && pads[k + kernel.length] === total - (total >> 1);
    });
    if (!fits) return false;
    dropAttribute(node, 'pads');
    setAttribute(node, text('auto_pad', 'SAME_UPPER'));
    return true;
  }),
  on('rewriting: ReduceMean for GlobalAveragePool', ['GlobalAveragePool'], (model, node) => {
    node.opType = 'ReduceMean';
    if (model.opset >= 18) node.input = [node.input[0]!, model.addInts('axes', [2, 3])];
    else setAttribute(node, ints('axes', [2, 3]));
    setAttribute(node, int('keepdims', 1));
  }),
  on('rewriting: GlobalAveragePool for ReduceMean', ['ReduceMean'], (model, node) => {
    const axes = listOf(node, 'axes');
    if (String(axes) !== '2,3' || intOf(node, 'keepdims', 1) !== 1) return false;
    if (model.shape(node.input[0]!)?.length !== 4) return false;
    node.opType = 'GlobalAveragePool';
    node.attribute = [];
    return true;
  }),
  on('rewriting: Reshape for Flatten', ['Flatten'], (model, node) => {
    if (intOf(node, 'axis', 1) !== 1) return false;
    node.opType = 'Reshape';
    node.attribute = [];
    node.input = [node.input[0]!, model.addInts('flat', [0, -1])];
    return true;
  }),
  on('rewriting: Flatten for Reshape', ['Reshape'], (model, node) => {
    const shape = model.shape(node.output[0]!);
    if (shape?.length !== 2 || (model.shape(node.input[0]!)?.length ?? 0) < 3) return false;
    node.opType = 'Flatten';
    node.input = node.input.slice(0, 1);
    node.attribute = [int('axis', 1)];
    return true;
  }),
  on('rewriting: x * sigmoid(x) for Swish forms', ['HardSwish'], (model, node) => {
    const gate = model.unused(`${node.output[0]}_gate`);
    instead(model, node, [
      ['HardSigmoid', [node.input[0]!], gate, [float('alpha', 1 / 6), float('beta', 0.5)]],
      ['Mul', [node.input[0]!, gate], node.output[0]!],
    ]);
  }),
  on('rewriting: other coordinates of a Resize that read the same', ['Resize'], (_, node) => {
    const texts = ['mode', 'coordinate_transformation_mode', 'nearest_mode'].map((name) =>
      Buffer.from(attributeOf(node, name)?.s ?? []).toString(),
    );
    if (texts.join() !== 'nearest,asymmetric,floor') return false;
    setAttribute(node, text('coordinate_transformation_mode', 'half_pixel'));
    setAttribute(node, text('nearest_mode', 'round_prefer_ceil'));
    return true;
  }),
  on('rewriting: a BatchNorm as a product and a sum', ['BatchNormalization'], (model, node) => {
    const vectors = [1, 2, 3, 4].map((k) => isConstantVector(model, node.input[k]));
    if (vectors.some((vector) => vector === undefined)) return false;
    const [scale, shift, mean, variance] = vectors.map((vector) => floatsOf(vector!)!) as Float32Array[];
    const epsilon = attributeOf(node, 'epsilon')?.f ?? 1e-5;
    const factor = scale!.map((gamma, k) => gamma / Math.sqrt(variance![k]! + epsilon));
    const dims = [1, factor.length, 1, 1];
    if (model.shape(node.output[0]!)?.length !== 4) return false;
    const product = model.unused(`${node.output[0]}_product`);
    instead(model, node, [
      ['Mul', [node.input[0]!, model.addFloats('factor', dims, factor)], product],
      [
        'Add',
        [
          product,
          model.addFloats(
            'offset',
            dims,
            shift!.map((beta, k) => beta - mean![k]! * factor[k]!),
          ),
        ],
        node.output[0]!,
      ],
    ]);
    return true;
  }),
];

/** W' = W s and b' = (b - mean) s + beta for the BatchNorm behind a convolution; false where there is none. */
export function foldInto(model: Model, conv: NodeProto, keepsNames: boolean): boolean {
  const [norm, ...others] = model.readers(conv.output[0]!);
  if (norm?.opType !== 'BatchNormalization' || others.length > 0 || model.isOutput(conv.output[0]!)) return false;
  const weight = model.stored(conv.input[1]);
  const vectors = [1, 2, 3, 4]
    .map((k) => model.stored(norm.input[k]))
    .map((found) => (found === undefined ? null : floatsOf(found)));
  const values = weight === undefined ? null : floatsOf(weight);
  if (weight === undefined || values === null || model.readers(conv.input[1]!).length > 1) return false;
  if (vectors.some((vector) => vector === null)) return false;
  const [scale, shift, mean, variance] = vectors as Float32Array[];
  const bias = model.stored(conv.input[2]);
  const before = bias === undefined ? null : floatsOf(bias);
  const epsilon = Math.fround(attributeOf(norm, 'epsilon')?.f ?? 1e-5);
  const s = scale!.map((gamma, k) => gamma / Math.fround(Math.sqrt(Math.fround(variance![k]! + epsilon))));
  const row = values.length / s.length;
  setFloats(
    weight,
    values.map((value, at) => value * s[Math.floor(at / row)]!),
  );
  const offset = s.map((factor, k) => Math.fround(((before?.[k] ?? 0) - mean![k]!) * factor) + shift![k]!);
  const name = keepsNames ? weight.name.replace(/\.weight$/, '.bias') : 'folded_bias';
  conv.input[2] = model.addFloats(name === weight.name ? `${name}_bias` : name, [s.length], offset);
  conv.output[0] = norm.output[0]!;
  model.remove(norm);
  return true;
}

export function foldAll(model: Model, keepsNames = true): boolean {
  const convs = model.nodesOf('Conv').filter((conv) => foldInto(model, conv, keepsNames));
  return convs.length > 0;
}

export const FOLDING_KINDS: readonly Kind[] = [
  whole('folding: BatchNorm folded into every convolution, names kept', (model) => foldAll(model)),
  whole('folding: BatchNorm folded into every convolution, names lost', (model) => {
    if (!foldAll(model, false)) return false;
    let next = 0;
    renameTensors(model, (name, isStored) => (isStored ? `onnx::Conv_${next++}` : name));
    return true;
  }),
  edits(
    'folding: BatchNorm folded into one convolution',
    'harmless',
    (model) => model.nodesOf('Conv'),
    (model, node) => foldInto(model, node, true),
  ),
];
