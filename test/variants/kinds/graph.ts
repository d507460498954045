import type { NodeProto } from '../../onnx/onnx_pb.generated.js';
import { edits, type Kind } from '../kind.ts';
import {
  attributeOf,
  dropAttribute,
  float,
  floatsOf,
  int,
  intOf,
  ints,
  intsOf,
  listOf,
  type Model,
  setAttribute,
  setFloats,
  text,
} from '../model.ts';

type Edit = (model: Model, node: NodeProto) => boolean | undefined;

const on = (name: string, ops: readonly string[], edit: Edit): Kind =>
  edits(name, 'wrong', (model) => model.nodesOf(...ops), edit);

/** Tensors of one shape that are ready when a node is computed, other than what it reads. */
function alike(model: Model, node: NodeProto, name: string): string[] {
  const shape = model.shape(name);
  if (shape === null || shape.length < 2) return [];
  const before = model.nodes.slice(0, model.nodes.indexOf(node));
  return before
    .flatMap(({ output }) => output.slice(0, 1))
    .filter((other) => other !== name && !node.input.includes(other) && String(model.shape(other)) === String(shape));
}

/** Element-wise nodes of two operands that are both computed. */
function joins(model: Model, ...ops: readonly string[]): NodeProto[] {
  return model
    .nodesOf(...ops)
    .filter(({ input }) => input.length === 2 && input.every((name) => model.constant(name) === undefined));
}

export const WIRING_KINDS: readonly Kind[] = [
  on('wiring: two inputs of a Concat exchanged', ['Concat'], (_, node) => {
    if (node.input.length < 2) return false;
    node.input = [node.input[1]!, node.input[0]!, ...node.input.slice(2)];
    return true;
  }),
  on('wiring: an input of a Concat stands twice', ['Concat'], (model, node) => {
    const [a, b] = node.input;
    if (a === undefined || b === undefined || String(model.shape(a)) !== String(model.shape(b))) return false;
    node.input = [a, a, ...node.input.slice(2)];
    return true;
  }),
  edits(
    'wiring: a residual is left out',
    'wrong',
    (model) => joins(model, 'Add'),
    (model, node) => model.bypass(node),
  ),
  edits(
    'wiring: an Add reads one operand twice',
    'wrong',
    (model) => joins(model, 'Add'),
    (_, node) => {
      node.input = [node.input[0]!, node.input[0]!];
      return true;
    },
  ),
  edits(
    'wiring: a residual is taken from elsewhere',
    'wrong',
    (model) => joins(model, 'Add', 'Mul'),
    (model, node) => {
      const other = alike(model, node, node.input[1]!).at(-1);
      if (other === undefined) return false;
      node.input[1] = other;
      return true;
    },
  ),
  on('wiring: a layer reads another tensor', ['Conv', 'MatMul', 'Gemm'], (model, node) => {
    const other = alike(model, node, node.input[0]!).at(-1);
    if (other === undefined) return false;
    node.input[0] = other;
    return true;
  }),
  on('wiring: a Gather turns the channels round', ['Conv'], (model, node) => {
    const count = model.shape(node.input[0]!)?.[1] ?? null;
    if (count === null || count < 2) return false;
    const indices = model.addInts(
      'reversed',
      Array.from({ length: count }, (_, k) => count - 1 - k),
    );
    model.between(node, 0, 'Gather', [int('axis', 1)], [indices]);
    return true;
  }),
  on(
    'wiring: a layer stands twice',
    ['Relu', 'Conv', 'BatchNormalization', 'MaxPool', 'AveragePool', 'Sigmoid'],
    (model, node) => {
      const again = model.unused(`${node.output[0]}_again`);
      const readers = model.readers(node.output[0]!);
      const [first] = readers;
      if (first === undefined || node.opType === 'Relu') return false;
      model.insert(first, node.opType, [node.output[0]!, ...node.input.slice(1)], [again], node.attribute);
      for (const reader of readers) reader.input = reader.input.map((name) => (name === node.output[0] ? again : name));
      return true;
    },
  ),
  on('wiring: two parts of a Split exchanged', ['Split'], (_, node) => {
    node.output = [...node.output].reverse();
  }),
  edits(
    'wiring: the channels of an output turned round',
    'wrong',
    (model) => model.graph.output,
    (model, { name }) => {
      const [node, shape] = [model.producer(name), model.shape(name)];
      const axis = shape?.length === 2 ? 1 : (shape?.length ?? 0) - 1;
      const count = shape?.[axis] ?? null;
      if (node === undefined || axis < 1 || count === null || count < 2) return false;
      const inner = model.unused(`${name}_in_order`);
      node.output = node.output.map((output) => (output === name ? inner : output));
      model.reroute(name, inner);
      const indices = Array.from({ length: count }, (_, k) => count - 1 - k);
      const last = model.insert(node, 'Gather', [inner, model.addInts('turned', indices)], [name], [int('axis', axis)]);
      model.remove(last);
      model.nodes.push(last);
      return true;
    },
  ),
  {
    ...edits(
      'wiring: two outputs of the model exchanged',
      'wrong',
      (model) => (model.graph.output.length > 1 ? [0] : []),
      (model) => {
        model.graph.output.reverse();
        return true;
      },
    ),
    judge: 'none',
  },
];

/** Spatial pads of a window, as many as it has. */
function padsOf(node: NodeProto): number[] | null {
  return listOf(node, 'pads');
}

export const ATTRIBUTE_KINDS: readonly Kind[] = [
  on('attribute: stride of a convolution', ['Conv'], (_, node) => {
    const strides = listOf(node, 'strides') ?? [1, 1];
    setAttribute(
      node,
      ints(
        'strides',
        strides.map((stride) => (stride === 1 ? 2 : 1)),
      ),
    );
    if (attributeOf(node, 'kernel_shape') === undefined) return false;
    return true;
  }),
  on('attribute: padding of a convolution on the other side', ['Conv'], (_, node) => {
    const pads = padsOf(node) ?? [0, 0, 0, 0];
    const autoPad = Buffer.from(attributeOf(node, 'auto_pad')?.s ?? []).toString();
    if (autoPad.startsWith('SAME')) {
      setAttribute(node, text('auto_pad', autoPad === 'SAME_UPPER' ? 'SAME_LOWER' : 'SAME_UPPER'));
      return true;
    }
    const half = pads.length / 2;
    if (pads.every((pad) => pad === 0)) return false;
    setAttribute(
      node,
      ints('pads', [...pads.slice(0, half).map((pad) => pad + 1), ...pads.slice(half).map((pad) => pad - 1)]),
    );
    if (pads.slice(half).some((pad) => pad === 0)) return false;
    return true;
  }),
  on('attribute: dilation of a convolution', ['Conv'], (_, node) => {
    const kernel = listOf(node, 'kernel_shape');
    const pads = padsOf(node);
    if (kernel === null || pads === null || kernel.every((size) => size === 1)) return false;
    setAttribute(
      node,
      ints(
        'dilations',
        kernel.map(() => 2),
      ),
    );
    setAttribute(
      node,
      ints(
        'pads',
        pads.map((pad, k) => pad + ((kernel[k % kernel.length]! - 1) >> 1)),
      ),
    );
    return true;
  }),
  on('attribute: window of a pooling', ['MaxPool', 'AveragePool'], (_, node) => {
    const kernel = listOf(node, 'kernel_shape') ?? [];
    const pads = padsOf(node) ?? kernel.flatMap(() => [0, 0]);
    if (
      Buffer.from(attributeOf(node, 'auto_pad')?.s ?? [])
        .toString()
        .startsWith('SAME') === false
    ) {
      const half = pads.length / 2;
      setAttribute(
        node,
        ints(
          'pads',
          pads.map((pad, k) => (k < half ? pad : pad + 1)),
        ),
      );
    }
    setAttribute(
      node,
      ints(
        'kernel_shape',
        kernel.map((size) => size + 1),
      ),
    );
  }),
  on('attribute: stride of a pooling', ['MaxPool', 'AveragePool'], (_, node) => {
    const strides = listOf(node, 'strides') ?? [1, 1];
    setAttribute(
      node,
      ints(
        'strides',
        strides.map((stride) => stride + 1),
      ),
    );
  }),
  on('attribute: a mean counts its padding', ['AveragePool'], (_, node) => {
    setAttribute(node, int('count_include_pad', 1 - intOf(node, 'count_include_pad', 0)));
  }),
  on('attribute: ceil_mode of a pooling', ['MaxPool', 'AveragePool'], (_, node) => {
    setAttribute(node, int('ceil_mode', 1 - intOf(node, 'ceil_mode', 0)));
  }),
  on(
    'attribute: epsilon of a normalization',
    ['BatchNormalization', 'InstanceNormalization', 'LayerNormalization'],
    (_, node) => {
      setAttribute(node, float('epsilon', 0.3));
    },
  ),
  on('attribute: alpha of a Gemm', ['Gemm'], (_, node) => {
    setAttribute(node, float('alpha', 0.5));
  }),
  on('attribute: beta of a Gemm', ['Gemm'], (_, node) => {
    if (node.input.length < 3) return false;
    setAttribute(node, float('beta', 0));
    return true;
  }),
  on('attribute: slope of a LeakyRelu or Elu', ['LeakyRelu', 'Elu', 'Selu', 'Celu', 'ThresholdedRelu'], (_, node) => {
    setAttribute(node, float('alpha', (attributeOf(node, 'alpha')?.f ?? 0.1) + 0.15));
  }),
  on('attribute: alpha of a HardSigmoid', ['HardSigmoid'], (_, node) => {
    setAttribute(node, float('alpha', (attributeOf(node, 'alpha')?.f ?? 0.2) * 1.5));
  }),
  on('attribute: axis of a softmax', ['Softmax', 'LogSoftmax'], (model, node) => {
    const axis = intOf(node, 'axis', -1);
    const rank = model.shape(node.output[0]!)?.length ?? 0;
    if (rank < 2) return false;
    setAttribute(node, int('axis', axis === 0 ? 1 : 0));
    return true;
  }),
  on('attribute: height and width exchanged by a Transpose', ['Transpose'], (_, node) => {
    const perm = listOf(node, 'perm');
    if (perm?.length !== 4) return false;
    const order = perm.join();
    if (order === '0,2,3,1') setAttribute(node, ints('perm', [0, 3, 2, 1]));
    else if (order === '0,3,1,2') setAttribute(node, ints('perm', [0, 3, 2, 1]));
    else return false;
    return true;
  }),
  on('attribute: mode of a Resize', ['Resize', 'Upsample'], (_, node) => {
    const mode = Buffer.from(attributeOf(node, 'mode')?.s ?? 'nearest').toString();
    setAttribute(node, text('mode', mode === 'nearest' ? 'linear' : 'nearest'));
    if (mode !== 'nearest') setAttribute(node, text('nearest_mode', 'floor'));
    else dropAttribute(node, 'nearest_mode');
  }),
  on('attribute: coordinates of a Resize', ['Resize'], (_, node) => {
    const mode = Buffer.from(attributeOf(node, 'coordinate_transformation_mode')?.s ?? 'half_pixel').toString();
    setAttribute(
      node,
      text('coordinate_transformation_mode', mode === 'align_corners' ? 'asymmetric' : 'align_corners'),
    );
  }),
  on('attribute: mode of a Pad', ['Pad'], (_, node) => {
    setAttribute(node, text('mode', 'edge'));
  }),
  on('attribute: groups of a convolution', ['Conv'], (model, node) => {
    const groups = intOf(node, 'group', 1);
    const tensor = model.stored(node.input[1]);
    const values = tensor === undefined ? null : floatsOf(tensor);
    const [out = 0, columns = 0] = tensor?.dims.map(Number) ?? [];
    if (tensor === undefined || values === null || groups !== 1 || columns % 2 !== 0 || out % 2 !== 0) return false;
    const size = values.length / (out * columns);
    const kept = Array.from({ length: out * (columns / 2) * size }, (_, n) => {
      const [row, rest] = [Math.floor(n / ((columns / 2) * size)), n % ((columns / 2) * size)];
      return values[row * columns * size + rest]!;
    });
    setFloats(tensor, Float32Array.from(kept), [out, columns / 2, ...tensor.dims.slice(2).map(Number)]);
    setAttribute(node, int('group', 2));
    return true;
  }),
];

const replaced = (
  name: string,
  ops: readonly string[],
  opType: string,
  more: (model: Model) => readonly string[] = () => [],
  drop = true,
): Kind =>
  on(name, ops, (model, node) => {
    node.opType = opType;
    node.input = [node.input[0]!, ...more(model)];
    if (drop) node.attribute = [];
  });

const ACTIVATIONS = [
  'Relu',
  'LeakyRelu',
  'Elu',
  'Selu',
  'Clip',
  'Sigmoid',
  'HardSigmoid',
  'HardSwish',
  'Tanh',
  'Softplus',
  'Gelu',
  'Erf',
  'PRelu',
  'Softmax',
] as const;

export const OPERATOR_KINDS: readonly Kind[] = [
  ...ACTIVATIONS.filter((op) => !['Gelu', 'Erf', 'HardSwish', 'Softplus', 'Selu', 'Tanh'].includes(op)).map((op) =>
    on(`operator: a ${op} is missing`, [op], (model, node) => model.bypass(node) || replaceByIdentity(node)),
  ),
  on('operator: a BatchNorm is missing', ['BatchNormalization'], (model, node) => model.bypass(node)),
  on('operator: a pooling of stride 1 is missing', ['MaxPool', 'AveragePool'], (model, node) => {
    if ((listOf(node, 'strides') ?? [1]).some((stride) => stride !== 1)) return false;
    return model.bypass(node);
  }),
  on('operator: an Identity in place of a Pad', ['Pad'], (model, node) => model.bypass(node)),
  replaced('operator: LeakyRelu for Relu', ['Relu'], 'LeakyRelu'),
  replaced('operator: Sigmoid for Relu', ['Relu'], 'Sigmoid'),
  replaced('operator: Elu for Relu', ['Relu'], 'Elu'),
  replaced('operator: a Relu with a bound of 1', ['Relu'], 'Clip', (model) => [
    model.addFloats('low', [], [0]),
    model.addFloats('high', [], [1]),
  ]),
  replaced('operator: Tanh for Sigmoid', ['Sigmoid', 'HardSigmoid'], 'Tanh'),
  replaced('operator: HardSigmoid for Sigmoid', ['Sigmoid'], 'HardSigmoid'),
  replaced('operator: Sigmoid for Softmax', ['Softmax'], 'Sigmoid'),
  replaced('operator: Relu for another activation', ['LeakyRelu', 'Elu', 'Clip', 'PRelu', 'HardSwish', 'Selu'], 'Relu'),
  replaced('operator: GlobalMaxPool for GlobalAveragePool', ['GlobalAveragePool'], 'GlobalMaxPool'),
  replaced('operator: ReduceMax for ReduceMean', ['ReduceMean'], 'ReduceMax', () => [], false),
  on('operator: AveragePool for MaxPool', ['MaxPool'], (_, node) => {
    node.opType = 'AveragePool';
    dropAttribute(node, 'storage_order');
    dropAttribute(node, 'dilations');
  }),
  on('operator: MaxPool for AveragePool', ['AveragePool'], (_, node) => {
    node.opType = 'MaxPool';
    dropAttribute(node, 'count_include_pad');
  }),
  ...(
    [
      ['Add', 'Mul'],
      ['Add', 'Sub'],
      ['Add', 'Max'],
      ['Mul', 'Add'],
    ] as const
  ).map(([from, to]) =>
    edits(
      `operator: ${to} for ${from}`,
      'wrong',
      (model) => joins(model, from),
      (_, node) => {
        node.opType = to;
        return true;
      },
    ),
  ),
  edits(
    'operator: an Add more',
    'wrong',
    (model) => model.nodesOf('Relu', 'Sigmoid', 'MaxPool'),
    (model, node) => {
      const by = model.addFloats('more', [], [0.5]);
      model.between(node, 0, 'Add', [], [by]);
      return true;
    },
  ),
  on('operator: a Relu more behind a layer', ['Conv', 'BatchNormalization', 'Gemm'], (model, node) => {
    const readers = model.readers(node.output[0]!);
    if (readers.length === 0) return false;
    for (const reader of readers) model.between(reader, reader.input.indexOf(node.output[0]!), 'Relu');
    return true;
  }),
  on('operator: a Mul by 2 more behind a layer', ['Conv', 'Gemm', 'MatMul'], (model, node) => {
    const readers = model.readers(node.output[0]!);
    const by = model.addFloats('twice', [], [2]);
    if (readers.length === 0) return false;
    for (const reader of readers) model.between(reader, reader.input.indexOf(node.output[0]!), 'Mul', [], [by]);
    return true;
  }),
];

function replaceByIdentity(node: NodeProto): true {
  node.opType = 'Identity';
  node.input = node.input.slice(0, 1);
  node.attribute = [];
  return true;
}

/** Scalars that a node reads beside what is computed. */
function scalars(model: Model, ...ops: readonly string[]): { node: NodeProto; input: number }[] {
  return model.nodesOf(...ops).flatMap((node) =>
    node.input.flatMap((name, input) => {
      const tensor = model.stored(name);
      const values = tensor === undefined ? null : floatsOf(tensor);
      return values?.length === 1 ? [{ node, input }] : [];
    }),
  );
}

const scalarKind = (name: string, ops: readonly string[], change: (value: number) => number): Kind =>
  edits(
    `constant: ${name}`,
    'wrong',
    (model) => scalars(model, ...ops),
    (model, { node, input }) => {
      const value = floatsOf(model.stored(node.input[input])!)![0]!;
      const dims = model.stored(node.input[input])!.dims.map(Number);
      node.input[input] = model.addFloats('changed', dims, [change(value)]);
      return true;
    },
  );

export const CONSTANT_KINDS: readonly Kind[] = [
  scalarKind('a number that is added', ['Add', 'Sub'], (value) => value + 0.7),
  scalarKind('a number that is multiplied by', ['Mul', 'Div'], (value) => value * 1.3),
  scalarKind('a bound', ['Clip', 'Max', 'Min'], (value) => value + 0.4),
  edits(
    'constant: the scale of a Resize',
    'wrong',
    (model) => model.nodesOf('Resize', 'Upsample'),
    (model, node) => {
      for (const [k, name] of node.input.entries()) {
        const scales = model.stored(name);
        const values = scales === undefined ? null : floatsOf(scales);
        if (values === null || values.length < 3) continue;
        node.input[k] = model.addFloats(
          'scales',
          [values.length],
          values.map((scale) => (scale === 1 ? 1 : scale + 1)),
        );
        return true;
      }
      return false;
    },
  ),
  edits(
    'constant: the amount of a Pad',
    'wrong',
    (model) => model.nodesOf('Pad'),
    (model, node) => {
      const pads = intsOf(model.stored(node.input[1]));
      if (pads === null) return false;
      const half = pads.length / 2;
      node.input[1] = model.addInts(
        'pads',
        pads.map((pad, k) => (pad === 0 ? 0 : k < half ? pad + 1 : pad - 1)),
      );
      return true;
    },
  ),
];
