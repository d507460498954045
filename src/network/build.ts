import { InputError } from '../config/errors.ts';
import type { OnnxFile, OnnxGraph, OnnxNode } from '../onnx/index.ts';
import type { LayerDraft, Value } from './drafts.ts';
import { foldingOf } from './folding.ts';
import { layerDrafts, layerKind } from './layers.ts';
import { sourceNames } from './names.ts';
import { HANDLERS, WEIGHTED_OPS } from './operators.ts';
import { evaluateIntegers } from './ops-integers.ts';
import { viewOf } from './tensor-view.ts';
import type { Call, Coupling, Follower, Layer, Network } from './types.ts';
import type { Walk } from './walk.ts';
import { attribute, input, isSignal, setOpaque } from './walk.ts';

const PRUNABLE = new Set(['conv', 'depthwise', 'dense']);

/**
 * Reads a model as one channel network: its nodes in graph order, grouped into the source framework's layers, with every
 * channel followed from the layer that makes it to the columns that consume it. What is not understood is a value in the
 * result (`opaque`), not an error.
 * @throws InputError for graphs that are not valid ONNX (an input that nobody produces) and for quantized weights
 */
export function readNetwork(file: OnnxFile): Network {
  const { graph } = file.model;
  const nodes = graph.nodes;
  const names = sourceNames(nodes, (node) => WEIGHTED_OPS.has(node.opType));
  const owners: number[] = [];
  const normalized = new Set<LayerDraft>();
  const consumers = soleConsumers(nodes);
  const walk: Walk = {
    file,
    opset: file.model.opsets.get('') ?? 0,
    values: new Map<string, Value>(),
    integers: new Map(),
    drafts: layerDrafts(names, nodes),
    names,
    channels: {
      claim(layer, count) {
        const first = owners.length;
        for (let k = 0; k < count; k++) owners.push(layer);
        return first;
      },
    },
    soleConsumer: (tensor) => consumers.get(tensor) ?? undefined,
    followers: [] as Follower[],
    couplings: [] as Coupling[],
  };
  for (const tensor of graph.initializers.values())
    walk.values.set(tensor.name, { kind: 'constant', view: viewOf(tensor) });
  for (const name of graph.sparseInitializers) walk.values.set(name, { kind: 'fixed', shape: null, from: null });
  for (const { name, shape } of graph.inputs) {
    if (graph.initializers.has(name)) continue;
    const sizes = shape?.map((size) => (typeof size === 'number' ? size : null)) ?? null;
    walk.values.set(name, { kind: 'fixed', shape: sizes, from: walk.drafts.input(name) });
  }

  for (const node of nodes) {
    requireInputs(walk, node);
    const integers = evaluateIntegers(walk, node);
    if (integers !== null) {
      integers.forEach((values, k) => {
        const name = node.outputs[k];
        if (name !== undefined && name !== '' && !walk.integers.has(name)) walk.integers.set(name, values);
      });
    }
    const isShapeArithmetic = integers !== null && !node.inputs.some((name) => isSignal(walk.values.get(name) ?? null));
    if (isShapeArithmetic || node.opType === 'Shape') {
      for (const name of node.outputs)
        walk.values.set(name, {
          kind: 'fixed',
          shape: integers === null ? null : [integers[0]?.length ?? null],
          from: null,
        });
      continue;
    }
    const handler = node.domain === '' || node.domain === 'ai.onnx' ? HANDLERS.get(node.opType) : undefined;
    if (handler === undefined)
      setOpaque(walk, node, node.domain === '' ? node.opType : `${node.domain}.${node.opType}`);
    else handler(walk, node);
    if (node.opType === 'BatchNormalization') {
      const value = input(walk, node, 0);
      if (isSignal(value)) normalized.add(value.from.layer);
    }
  }
  recordOutputs(walk);
  return finishNetwork(walk, owners, normalized);
}

/** Remembers each layer's output shape and channel axis: the last tensor that belongs to it. */
function recordOutputs(walk: Walk): void {
  for (const value of walk.values.values()) {
    if (value.kind === 'constant' || value.from === null) continue;
    const { layer } = value.from;
    layer.output =
      value.kind === 'channels'
        ? { shape: value.map.shape, channelAxis: value.map.axes.length === 1 ? value.map.axes[0]! : null }
        : { shape: value.shape, channelAxis: null };
  }
}

function finishNetwork(walk: Walk, owners: readonly number[], normalized: ReadonlySet<LayerDraft>): Network {
  const facts = { producer: walk.file.model.producer.name, normalized };
  const layers = walk.drafts.all.map((draft): Layer => {
    const { kind, op } = layerKind(draft);
    return {
      id: draft.id,
      name: draft.name,
      kind,
      op,
      calls: draft.calls.map(
        (call): Call => ({
          inputs: [...call.externals.values()].map((layer) => layer.id),
          columns: call.columns,
          positions: call.positions,
        }),
      ),
      weight: draft.weight,
      norm: draft.norm,
      groups: draft.groups,
      firstChannel: draft.firstChannel,
      filters: draft.filters,
      folding: draft.weight === null ? { state: 'unknown', evidence: 'it has no weights' } : foldingOf(draft, facts),
      targetShape: draft.targetShape,
      output: draft.output,
    };
  });
  const prunable = new Map(layers.filter((layer) => PRUNABLE.has(layer.kind)).map((layer) => [layer.name, layer]));
  if (prunable.size === 0) {
    throw new InputError(
      'the model has no convolution or dense layer with constant weights, so there is nothing to check',
      { file: walk.file.model.path },
    );
  }
  return {
    file: walk.file,
    dataFormat: dataFormatOf(walk.file.model.graph),
    layers,
    followers: walk.followers,
    couplings: walk.couplings,
    channelOwner: Int32Array.from(owners),
    outputLayers: walk.file.model.graph.outputs.flatMap(({ name }) => {
      const value = walk.values.get(name);
      return value !== undefined && value.kind !== 'constant' && value.from !== null
        ? [layers[value.from.layer.id]!]
        : [];
    }),
    prunable,
  };
}

/** A channels-last model transposes its inputs before the first convolution (NHWC to NCHW). */
function dataFormatOf(graph: OnnxGraph): Network['dataFormat'] {
  for (const { name, shape } of graph.inputs) {
    if (shape?.length !== 4 || graph.initializers.has(name)) continue;
    const readers = graph.nodes.filter((node) => node.inputs.includes(name));
    if (readers.length === 0) continue;
    const isTransposed = (node: OnnxNode): boolean =>
      node.opType === 'Transpose' && String(attribute(node, 'perm', 'ints')) === '0,3,1,2';
    if (readers.every(isTransposed)) return 'channels_last';
    if (readers.some((node) => node.opType === 'Conv')) return 'channels_first';
  }
  return null;
}

function requireInputs(walk: Walk, node: OnnxNode): void {
  for (const name of node.inputs) {
    if (name === '' || walk.values.has(name)) continue;
    throw new InputError(
      'reads a tensor that no earlier node, input or initializer defines; the graph is not valid ONNX',
      {
        file: walk.file.model.path,
        key: node.name || node.opType,
        value: name,
      },
    );
  }
}

/** For each tensor read by exactly one node, that node. */
function soleConsumers(nodes: readonly OnnxNode[]): ReadonlyMap<string, OnnxNode | null> {
  const consumers = new Map<string, OnnxNode | null>();
  for (const node of nodes) for (const name of node.inputs) consumers.set(name, consumers.has(name) ? null : node);
  return consumers;
}
