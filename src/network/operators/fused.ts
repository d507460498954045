import type { OnnxAttribute, OnnxNode } from '../../onnx/index.ts';
import { attribute, intAttribute } from '../walk.ts';
import { OPERAND_DOMAIN } from './transpose.ts';

/**
 * Operators of onnxruntime that stand for several of ai.onnx (docs/ContribOperators.md), which its optimizer writes into saved
 * models. They are taken apart, so that nothing else has to know them.
 */
export function unfused(node: OnnxNode, prefix: string): readonly OnnxNode[] | null {
  const unfuse = FUSED[`${node.domain}:${node.opType}`];
  return unfuse?.({ node, prefix }) ?? null;
}

export function isFused({ domain, opType }: OnnxNode): boolean {
  return `${domain}:${opType}` in FUSED;
}

interface Fused {
  readonly node: OnnxNode;
  /** Behind which new tensors are named. */
  readonly prefix: string;
}

type Attributes = ReadonlyMap<string, OnnxAttribute>;

/** One part. The first carries the node's name; the others have none, like nodes that an exporter put in. */
function part(
  opType: string,
  inputs: readonly string[],
  output: string,
  attributes: Attributes = new Map(),
  name = '',
): OnnxNode {
  return { name, opType, domain: '', overload: '', inputs, outputs: [output], attributes };
}

const floats = (values: Readonly<Record<string, number | null | undefined>>): Attributes =>
  new Map(
    Object.entries(values).flatMap(([name, value]) =>
      value == null ? [] : [[name, { kind: 'float' as const, value }]],
    ),
  );

/** Names of the attributes that `activation_params` stand for, in their order. */
const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  Relu: [],
  Tanh: [],
  Sigmoid: [],
  LeakyRelu: ['alpha'],
  Clip: ['min', 'max'],
  HardSigmoid: ['alpha', 'beta'],
};

function activated(activation: string | null, values: readonly number[], from: string, to: string): OnnxNode[] | null {
  if (activation === null) return [];
  const names = PARAMETERS[activation];
  if (names === undefined) return null;
  return [part(activation, [from], to, floats(Object.fromEntries(names.map((name, k) => [name, values[k]]))))];
}

/** FusedConv: activation(Conv(X, W, B) + Z). */
function fusedConv({ node, prefix }: Fused): readonly OnnxNode[] | null {
  const activation = attribute(node, 'activation', 'string');
  const values = attribute(node, 'activation_params', 'floats') ?? [];
  const [x = '', w = '', b = '', z = ''] = node.inputs;
  const [to = ''] = node.outputs;
  const summed = activation === null ? to : `${prefix}/sum`;
  const convolved = z === '' ? summed : `${prefix}/conv`;
  const last = activated(activation, values, summed, to);
  if (last === null) return null;
  const own = new Map([...node.attributes].filter(([name]) => !name.startsWith('activation')));
  return [
    part('Conv', b === '' ? [x, w] : [x, w, b], convolved, own, node.name),
    ...(z === '' ? [] : [part('Add', [convolved, z], summed)]),
    ...last,
  ];
}

/** What a FusedMatMul does to an operand, by the names of its attributes without the operand's. */
const TURNS = ['trans', 'transBatch'] as const;

/** FusedGemm: activation(Gemm(A, B, C)). */
function fusedGemm({ node, prefix }: Fused): readonly OnnxNode[] | null {
  const [to = ''] = node.outputs;
  const activation = attribute(node, 'activation', 'string');
  const values = ['activation_alpha', 'activation_beta'].flatMap((name) => attribute(node, name, 'float') ?? []);
  const last = activated(activation, values, `${prefix}/gemm`, to);
  if (last === null) return null;
  const own = new Map([...node.attributes].filter(([name]) => !name.startsWith('activation')));
  return [part('Gemm', node.inputs, last.length === 0 ? to : `${prefix}/gemm`, own, node.name), ...last];
}

/**
 * FusedMatMul: alpha * A B. Either may have its first axis brought behind its batch axes (transBatch), and then its last two exchanged
 * (trans), as an attention's queries and keys have: of a tensor that is computed the rank is known where it is followed.
 */
function fusedMatMul({ node, prefix }: Fused): readonly OnnxNode[] {
  const [to = ''] = node.outputs;
  const alpha = attribute(node, 'alpha', 'float') ?? 1;
  const nodes: OnnxNode[] = [];
  const operands = ['A', 'B'].map((side, k) => {
    const from = node.inputs[k] ?? '';
    const turns = TURNS.filter((turn) => intAttribute(node, `${turn}${side}`, 0) !== 0);
    if (turns.length === 0) return from;
    const given: Attributes = new Map(turns.map((turn) => [turn, { kind: 'int', value: 1 }]));
    nodes.push({ ...part('Transpose', [from], `${prefix}/trans${side}`, given), domain: OPERAND_DOMAIN });
    return `${prefix}/trans${side}`;
  });
  const product = alpha === 1 ? to : `${prefix}/product`;
  nodes.push(part('MatMul', operands, product, new Map(), node.name));
  if (alpha === 1) return nodes;
  const factor = part('Constant', [], `${prefix}/alpha`, new Map([['value_float', { kind: 'float', value: alpha }]]));
  return [factor, ...nodes, part('Mul', [product, `${prefix}/alpha`], to)];
}

const approximate = (value: 'none' | 'tanh'): Attributes => new Map([['approximate', { kind: 'string', value }]]);

/** Gelu, BiasGelu, FastGelu: Gelu(X + bias). */
const gelu =
  (attributes: Attributes) =>
  ({ node, prefix }: Fused): readonly OnnxNode[] => {
    const [x = '', bias = ''] = node.inputs;
    const [to = ''] = node.outputs;
    if (bias === '') return [part('Gelu', [x], to, attributes, node.name)];
    return [
      part('Add', [x, bias], `${prefix}/sum`, new Map(), node.name),
      part('Gelu', [`${prefix}/sum`], to, attributes),
    ];
  };

/** QuickGelu: x * sigmoid(alpha x). */
function quickGelu({ node }: Fused): readonly OnnxNode[] {
  const alpha = attribute(node, 'alpha', 'float') ?? Math.fround(1.702);
  return [part('Swish', node.inputs, node.outputs[0] ?? '', floats({ alpha }), node.name)];
}

/** Skip(Simplified)LayerNormalization: the normalization of input + skip + bias; output 3 is that sum. */
const skipNorm =
  (normalization: string, biasAt: number) =>
  ({ node, prefix }: Fused): readonly OnnxNode[] | null => {
    const [x = '', skip = '', ...rest] = node.inputs;
    const [to = '', mean = '', deviation = '', total = ''] = node.outputs;
    if (mean !== '' || deviation !== '') return null;
    const bias = node.inputs[biasAt] ?? '';
    const summed = total === '' ? `${prefix}/sum` : total;
    const added = bias === '' ? summed : `${prefix}/skipped`;
    const vectors = rest.slice(0, biasAt - 2);
    const epsilon = attribute(node, 'epsilon', 'float') ?? Math.fround(1e-12);
    return [
      part('Add', [x, skip], added),
      ...(bias === '' ? [] : [part('Add', [added, bias], summed)]),
      part(normalization, [summed, ...vectors], to, floats({ epsilon }), node.name),
    ];
  };

function simplifiedNorm({ node }: Fused): readonly OnnxNode[] {
  return [part('RMSNormalization', node.inputs, node.outputs[0] ?? '', node.attributes, node.name)];
}

const FUSED: Readonly<Record<string, (fused: Fused) => readonly OnnxNode[] | null>> = {
  'com.microsoft:FusedConv': fusedConv,
  'com.microsoft:FusedGemm': fusedGemm,
  'com.microsoft:FusedMatMul': fusedMatMul,
  'com.microsoft:Gelu': gelu(approximate('none')),
  'com.microsoft:BiasGelu': gelu(approximate('none')),
  'com.microsoft:FastGelu': gelu(approximate('tanh')),
  'com.microsoft:QuickGelu': quickGelu,
  'com.microsoft:SkipLayerNormalization': skipNorm('LayerNormalization', 4),
  'com.microsoft:SkipSimplifiedLayerNormalization': skipNorm('RMSNormalization', 3),
  // onnxruntime registers it in ai.onnx, which does not have it.
  ':SimplifiedLayerNormalization': simplifiedNorm,
  'com.microsoft:SimplifiedLayerNormalization': simplifiedNorm,
};
