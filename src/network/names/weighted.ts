import type { OnnxNode } from '../../onnx/index.ts';
import { MERGED } from '../folding.ts';
import type { Walk } from '../walk.ts';

/** Suffixes of weight and bias names behind the layer's own path: PyTorch's, and Paddle's (`conv2d_0.w_0`). */
const PARAMETER = /\.(weight|bias|weight_bias|[wb]_\d+)$/;
/** Those of PyTorch's recurrent modules, of which an exporter reorders the gates. */
const RECURRENT = /^([^/]+)\.(?:weight|bias)_(?:ih|hh)_l\d+(?:_reverse)?$/;
const FUSED = /_(weights|bias)_fused_bn$/;
/** What tf2onnx calls a variable of a frozen TF1 graph. */
const KERAS_VARIABLE = /^(.+)\/(?:depthwise_)?(?:kernel|bias)(?:_\d+)?:0$/;
/** What onnxruntime's optimizer puts before the name of a tensor that it folds (core/optimizer/conv_bn_fusion.cc and its like). */
const FUSED_BEFORE = /^Conv(Bn|Mul|Add)Fusion_(W|B|BN_B|Mul_B|Add_B)_/;
const TF_VARIABLE = /\/ReadVariableOp(_\d+)?(:\d+)?$/;

/** Of rows of a weight there are a Slice, two Concats and an Unsqueeze. */
const MAX_ON_THE_WAY = 8;

/**
 * The source layer's name of a node with weights. PyTorch names the parameters (`layer1.0.conv1.weight`); tf2onnx names
 * the nodes, and where it made a name up (`Conv__983`) only the bias or the weight still tells the layer.
 */
export function weightedName(walk: Walk, node: OnnxNode): string {
  const constants = node.inputs.filter((name) => walk.values.get(name)?.kind === 'constant');
  for (const name of constants) {
    const owner = parameterOwner(walk, name);
    if (owner !== null) return owner;
  }
  const module = constants.flatMap((name) => RECURRENT.exec(storedBehind(walk, name))?.[1] ?? [])[0];
  if (module !== undefined) return module;
  const origins = constants.map((name) => tensorName(walk, name));
  // A second call of a layer has a node name of its own, and a shared kernel may have none.
  const owner = isKeras2onnx(walk) ? undefined : origins.flatMap((name) => KERAS_VARIABLE.exec(name)?.[1] ?? [])[0];
  if (owner !== undefined) return owner;
  // The node that multiplied a kernel is called after the factor.
  const merged = origins.find((name) => MERGED.test(name));
  const multiplied = merged === undefined ? null : walk.names.parse(merged.replace(MERGED, ''));
  if (multiplied !== null) return multiplied.layer;
  const named = walk.names.of(node);
  // A node without a name is called after its tensor, which may be that of a BatchNorm folded into it: weights tell better.
  if (named !== null && node.name !== '') return firstCall(walk, node, named.layer) ?? named.layer;
  for (const name of origins) {
    const fromTensor = layerOfTensor(walk, name);
    if (fromTensor !== null) return fromTensor;
  }
  // A bias that was not fused stands in an Add of its own, behind layout nodes; its name still tells the layer.
  return nameOfFollowingBias(walk, node) ?? named?.layer ?? (node.name || node.outputs[0] || node.opType);
}

/** Where tf2onnx has made one constant of equal ones, a kernel of several calls lost its name. */
const ONE_CONSTANT = /^const_fold_opt__\d+$/;

/** Of `shared_1`, which is what the second call's nodes are called: `shared`, where a node of it reads the same kernel. */
function firstCall(walk: Walk, node: OnnxNode, name: string): string | null {
  const base = name.replace(/_\d+$/, '');
  const kernel = node.inputs[1];
  if (base === name || kernel === undefined || !ONE_CONSTANT.test(kernel)) return null;
  const isCalled = walk.model.graph.nodes.some(
    (other) => other !== node && other.inputs[1] === kernel && walk.names.of(other)?.layer === base,
  );
  return isCalled ? base : null;
}

/** Its scopes may have a suffix that the layers do not. */
function isKeras2onnx({ model }: Walk): boolean {
  return model.producer.name === 'keras2onnx';
}

/** The module that owns a parameter of PyTorch's or Paddle's (`bn1` of `bn1.weight`); null for any other tensor. */
export function parameterOwner(walk: Walk, input: string | undefined): string | null {
  const name = tensorName(walk, input ?? '');
  return PARAMETER.test(name) && !name.includes('/') ? name.replace(PARAMETER, '') : null;
}

/** Layer name in a tf2onnx initializer name such as `<path>/<layer>/Conv2D/ReadVariableOp:0` or `<node>_weights_fused_bn`. */
function layerOfTensor(walk: Walk, name: string): string | null {
  if (TF_VARIABLE.test(name)) return walk.names.parse(name.replace(TF_VARIABLE, ''))?.layer ?? null;
  if (FUSED.test(name)) return walk.names.parse(name.replace(FUSED, ''))?.layer ?? null;
  return null;
}

/** The stored tensor's name behind Identity and Transpose nodes, else the input's own. */
function tensorName(walk: Walk, name: string): string {
  const value = walk.values.get(name);
  const stored = value?.kind === 'constant' ? value.view.tensor.name || name : name;
  return stored.replace(FUSED_BEFORE, '');
}

/** The stored tensor that a constant begins with, through the nodes that take it apart and put it together. */
function storedBehind(walk: Walk, name: string): string {
  let at = name;
  for (let steps = 0; steps < MAX_ON_THE_WAY; steps++) {
    const before = walk.makers.get(at)?.inputs[0];
    if (before === undefined) return at;
    at = before;
  }
  return at;
}

function nameOfFollowingBias(walk: Walk, node: OnnxNode): string | null {
  let tensor = node.outputs[0];
  for (let steps = 0; tensor !== undefined && steps < 4; steps++) {
    const next: OnnxNode | undefined = walk.soleConsumer(tensor);
    if (next === undefined) return null;
    const parsed = walk.names.of(next);
    if (next.opType === 'Add' && parsed !== null && /^BiasAdd/.test(parsed.op)) return parsed.layer;
    if (next.opType !== 'Transpose') return null;
    tensor = next.outputs[0];
  }
  return null;
}
