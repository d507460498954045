import type { OnnxGraph, OnnxNode } from '../../onnx/index.ts';
import type { SourceName, SourceNames } from './source-name.ts';
import { opSegment } from './tensorflow.ts';

/**
 * keras2onnx names a node that is a layer's own operator like the layer, whole, slashes included. Others it counts (`Relu3`,
 * `Add1`) or calls after what they read (`conv1/Relu:0_pooling`); the last node of a layer makes the tensor that TensorFlow named
 * (`conv1_act/Relu:0`, `bn/batchnorm/add_1:0`), and that of an output layer is called like the layer.
 */
export function keras2onnxNames({ nodes, outputs }: OnnxGraph, hasWeight: (node: OnnxNode) => boolean): SourceNames {
  const layers = new Set(outputs.map(({ name }) => name));
  const suffix = sessionSuffix(nodes, hasWeight);
  const known = new Map<string, SourceName>();
  const firstCalls = new Map<string, string>();
  for (const node of nodes) {
    const [output = ''] = node.outputs;
    const own = isLayerName(node, hasWeight) ? { layer: firstCall(node, firstCalls), op: node.opType } : null;
    const made = layers.has(output) ? { layer: output, op: node.opType } : tensorOf(output, suffix);
    const name = own ?? made;
    if (name !== null) known.set(node.name, name);
  }
  return {
    of: ({ name }) => known.get(name) ?? null,
    parse: (name) => known.get(name) ?? null,
    layoutOf({ name, opType }) {
      const source = known.get(name);
      if (source === undefined) return null;
      if (opType === 'Transpose') return source.op === 'transpose' ? 'permute' : null;
      return opType === 'Flatten' ? 'flatten' : 'reshape';
    },
    resolvesTargets: true,
    output: (tensor) => tensor,
  };
}

/** A layer that is called again is written again, as `conv1` with the kernel of `conv`. */
function firstCall({ name, inputs }: OnnxNode, firstCalls: Map<string, string>): string {
  const kernel = inputs.find((input) => KERNEL.test(input));
  if (kernel === undefined) return name;
  const first = firstCalls.get(kernel) ?? name;
  firstCalls.set(kernel, first);
  return first;
}

/** Operators that are a layer by themselves, and so carry its name. */
function isLayerName(node: OnnxNode, hasWeight: (node: OnnxNode) => boolean): boolean {
  const { name, opType } = node;
  if (name === '' || LAYOUT.has(opType)) return false;
  return hasWeight(node) || opType === 'BatchNormalization' || !isCounted(name, opType);
}

/** The initializer of a kernel, behind its scope. */
const KERNEL = /^(.+)\/(?:depthwise_|pointwise_)?kernel:0$/;

/** Put around layers by the converter and its optimizer, under names of their own. */
const LAYOUT = new Set(['Transpose', 'Identity']);

function isCounted(name: string, opType: string): boolean {
  const isNumbered = name.startsWith(opType) && /^\d*$/.test(name.slice(opType.length));
  return isNumbered || /:\d+_[a-z_]+$/.test(name) || /_(clip|transpose)$/.test(name);
}

/** The layer of a tensor that TensorFlow named: all but the operator. */
function tensorOf(tensor: string, suffix: string): SourceName | null {
  const named = /^(.+):\d+$/.exec(tensor)?.[1];
  if (named === undefined || !named.slice(1, -1).includes('/')) return null;
  const path = named.split('/');
  const at = opSegment(path, 0);
  const scope = path.slice(0, at).join('/');
  const layer = suffix !== '' && scope.endsWith(suffix) ? scope.slice(0, -suffix.length) : scope;
  return at < 1 ? null : { layer, op: path.slice(at).join('/') };
}

/** `_1` where another model was made before in the process: the scope of `conv1` is then `conv1_1`, and its kernel `conv1_1/kernel:0`. */
function sessionSuffix(nodes: readonly OnnxNode[], hasWeight: (node: OnnxNode) => boolean): string {
  const suffixes = new Set<string>();
  for (const node of nodes) {
    if (!hasWeight(node)) continue;
    for (const name of node.inputs) {
      const scope = KERNEL.exec(name)?.[1];
      if (scope !== undefined) suffixes.add(scope.startsWith(node.name) ? scope.slice(node.name.length) : '');
    }
  }
  const [only = ''] = suffixes;
  return suffixes.size === 1 && /^_\d+$/.test(only) ? only : '';
}
