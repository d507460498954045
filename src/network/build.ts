import { InputError } from '../errors/input-error.ts';
import type { OnnxGraph, OnnxModel, OnnxNode } from '../onnx/index.ts';
import { computeNode, MAX_COMPUTED, numbersOf } from './constants.ts';
import type { CutSite } from './cut-sites.ts';
import type { LayerDraft, Value } from './drafts.ts';
import { foldingOf } from './folding.ts';
import { constantsOf, namedReaders, nodesOf, sitesOf } from './graph-parts.ts';
import { inlineFunctions } from './inline.ts';
import { layerDrafts, layerKind } from './layers.ts';
import { sourceNames } from './names/index.ts';
import { countOf } from './numbers.ts';
import { operatorOf } from './operators/index.ts';
import { readsOf } from './reads.ts';
import { separableHalves } from './separable.ts';
import { viewOf } from './tensor-view.ts';
import type { Call, Coupling, Follower, Layer, Network, NetworkTensor } from './types.ts';
import { accountFor } from './unseen.ts';
import type { Walk } from './walk.ts';
import { attribute, input, isSignal, setOpaque, setOutput, shapeOf } from './walk.ts';

const PRUNABLE = new Set(['conv', 'depthwise', 'dense']);

/** Channel positions that all tensors of a model may have together, four bytes each: real models take thousands (CWE-789). */
const MAX_MAPPED_POSITIONS = 2 ** 24;

/**
 * Reads a model as one channel network: its nodes in graph order, grouped into the source framework's layers, with every
 * channel followed from the layer that makes it to the columns that consume it. What is not understood is a value in the
 * result (`opaque`), not an error.
 * @throws InputError for graphs that are not valid ONNX (an input that nobody produces) and for quantized weights
 */
export function readNetwork(model: OnnxModel): Network {
  const { nodes, inner } = inlineFunctions(model);
  const unfolded = inner.size === 0 ? model : { ...model, graph: { ...model.graph, nodes } };
  return { ...networkOf(walkGraph(unfolded), inner), model };
}

/** What one pass over a graph finds. */
interface Walked {
  readonly walk: Walk;
  readonly readers: Readers;
  /** Layer that owns each channel id. */
  readonly owners: readonly number[];
  readonly normalized: ReadonlySet<LayerDraft>;
}

/** Passes over the nodes in order, and tells of every tensor what it carries. */
function walkGraph(model: OnnxModel): Walked {
  const { graph } = model;
  const nodes = graph.nodes;
  const names = sourceNames(model, (node) => operatorOf(node)?.role === 'weights');
  const owners: number[] = [];
  const normalized = new Set<LayerDraft>();
  const readers = readersOf(nodes);
  let affordable = MAX_MAPPED_POSITIONS;
  const walk: Walk = {
    model,
    opset: model.opsets.get('') ?? 0,
    values: new Map<string, Value>(),
    numbers: new Map(),
    sized: new Set(),
    computable: MAX_COMPUTED,
    drafts: layerDrafts(names, nodes),
    names,
    channels: {
      claim(layer, count) {
        const first = owners.length;
        for (let k = 0; k < count; k++) owners.push(layer);
        return first;
      },
      afford(count) {
        affordable -= count;
        return affordable >= 0;
      },
    },
    makers: new Map(),
    soleConsumer(tensor) {
      const nodesReading = readers.get(tensor);
      return nodesReading?.length === 1 ? nodesReading[0] : undefined;
    },
    followers: [] as Follower[],
    couplings: [] as Coupling[],
    sites: [] as CutSite[],
  };
  for (const tensor of graph.initializers.values())
    walk.values.set(tensor.name, { kind: 'constant', view: viewOf(tensor) });
  for (const name of graph.sparseInitializers) walk.values.set(name, { kind: 'fixed', shape: null, from: null });
  for (const { name, shape } of graph.inputs) {
    if (graph.initializers.has(name)) continue;
    requireNew(walk, name, null);
    const sizes = shape?.map((size) => (typeof size === 'number' ? size : null)) ?? null;
    walk.values.set(name, { kind: 'fixed', shape: sizes, from: walk.drafts.input(name) });
  }

  for (const node of nodes) {
    requireInputs(walk, node);
    readNode(walk, node);
    for (const name of node.outputs) walk.makers.set(name, node);
    if (node.opType === 'BatchNormalization' && isStandard(node)) {
      const value = input(walk, node, 0);
      if (isSignal(value)) normalized.add(value.from.layer);
    }
  }
  recordOutputs(walk);
  return { walk, readers, owners, normalized };
}

function readNode(walk: Walk, node: OnnxNode): void {
  const own = new Set<string>();
  for (const name of node.outputs) {
    if (name !== '' && own.has(name)) refuseTwice(walk, name, node.name || node.opType);
    own.add(name);
    requireNew(walk, name, node);
  }
  const operator = operatorOf(node);
  if (operator === undefined) setOpaque(walk, node, node.domain === '' ? node.opType : `${node.domain}.${node.opType}`);
  else if (!computeNode(walk, node, operator)) operator.carry(walk, node);
  // Indices of a MaxPool, a Dropout's mask: outputs that hardly anyone reads.
  const first = walk.values.get(node.outputs[0] ?? '');
  for (const [k, name] of node.outputs.entries()) {
    if (name === '' || walk.values.has(name)) continue;
    const from = first === undefined || first.kind === 'constant' ? null : first.from;
    const why = `output ${k} of ${node.opType}`;
    setOutput(
      walk,
      node,
      from === null ? { kind: 'fixed', shape: null, from } : { kind: 'opaque', op: why, shape: null, from },
      k,
    );
  }
}

/** Whether a node is one of ai.onnx's operators. */
function isStandard(node: OnnxNode): boolean {
  return node.domain === '' || node.domain === 'ai.onnx';
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

/** Elements up to which every exporter that optimizes computes constants (onnxscript's optimizer leaves inputs of more than 1024). */
const MAX_FOLDED_ELEMENTS = 1024;

/** A node whose operands are small constants, so that its result could be stored as well. */
function isComputedOfConstants(walk: Walk, node: OnnxNode): boolean {
  const isSmall = (name: string): boolean => {
    const value = walk.values.get(name);
    return value?.kind === 'constant' && countOf(value.view.dims) <= MAX_FOLDED_ELEMENTS;
  };
  return node.inputs.length > 0 && [...node.inputs, ...node.outputs].every((name) => name === '' || isSmall(name));
}

/** The network that was walked over. */
function networkOf({ walk, owners, normalized, readers }: Walked, inner: ReadonlySet<OnnxNode>): Network {
  const { producer, graph } = walk.model;
  const isDynamo = producer.name === 'pytorch' && graph.nodes.some(({ name }) => name.startsWith('node_'));
  const isUnoptimized = isDynamo && graph.nodes.some((node) => isComputedOfConstants(walk, node));
  const facts = { producer: producer.name, isDynamo, isUnoptimized, normalized };
  const halves = separableHalves(walk.drafts.all);
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
          reads: [...call.externals.keys()],
          columns: call.columns,
          positions: call.positions,
        }),
      ),
      weight: draft.weight,
      norms: draft.calls.map((_, call) => draft.norms[call] ?? null),
      groups: draft.groups,
      firstChannel: draft.firstChannel,
      filters: draft.filters,
      folding: draft.weight === null ? { state: 'unknown', evidence: 'it has no weights' } : foldingOf(draft, facts),
      targetShape: draft.targetShape,
      output: draft.output,
      joins: draft.joins,
      halfOf: halves.get(draft) ?? null,
    };
  });
  const prunable = new Map(
    layers.filter((layer) => isPrunable(layer, facts.producer)).map((layer) => [layer.name, layer]),
  );
  if (prunable.size === 0) {
    throw new InputError(
      'the model has no convolution or dense layer with constant weights, so there is nothing to check',
      { file: walk.model.name },
    );
  }
  const constants = constantsOf(walk);
  const named = namedReaders(walk.model);
  return {
    model: walk.model,
    nodes: nodesOf(walk.model, inner),
    sites: sitesOf(walk, layers, constants, named),
    constants,
    readers: named,
    ...accountFor(walk, layers, constants),
    numbers: (name) => numbersOf(walk, name),
    isSized: (name) => walk.sized.has(name),
    dataFormat: dataFormatOf(walk.model.graph, readers),
    layers,
    followers: walk.followers,
    couplings: walk.couplings,
    channelOwner: Int32Array.from(owners),
    tensors: tensorsOf(walk),
    outputLayers: walk.model.graph.outputs.flatMap(({ name }) => {
      const value = walk.values.get(name);
      return value !== undefined && value.kind !== 'constant' && value.from !== null
        ? [layers[value.from.layer.id]!]
        : [];
    }),
    outputNames: walk.model.graph.outputs.flatMap(({ name }) => {
      const value = walk.values.get(name);
      const made = value !== undefined && value.kind !== 'constant' ? value.from?.layer.name : undefined;
      return walk.names.output(name) ?? made ?? [];
    }),
    prunable,
  };
}

/** Keras's pruners leave transposed and separable convolutions whole; PyTorch's prune a transposed one as any other. */
function isPrunable({ kind, groups, halfOf }: Layer, producer: string): boolean {
  if (halfOf !== null) return false;
  return PRUNABLE.has(kind) || (kind === 'conv-transpose' && groups === 1 && producer === 'pytorch');
}

function tensorsOf(walk: Walk): ReadonlyMap<string, NetworkTensor> {
  const tensors = new Map<string, NetworkTensor>();
  for (const [name, value] of walk.values) {
    if (value.kind === 'constant' || value.from === null) continue;
    const channels = value.kind === 'channels' ? value.map : value.kind === 'opaque' ? { opaque: value.op } : null;
    tensors.set(name, { layer: value.from.layer.id, call: value.from.call, channels, shape: shapeOf(value) });
  }
  return tensors;
}

/** A channels-last model transposes its inputs before the first convolution (NHWC to NCHW). */
function dataFormatOf(graph: OnnxGraph, readers: Readers): Network['dataFormat'] {
  for (const { name, shape } of graph.inputs) {
    const nodes = readers.get(name);
    if (shape?.length !== 4 || graph.initializers.has(name) || nodes === undefined) continue;
    const isTransposed = (node: OnnxNode): boolean =>
      node.opType === 'Transpose' && String(attribute(node, 'perm', 'ints')) === '0,3,1,2';
    if (nodes.every(isTransposed)) return 'channels_last';
    if (nodes.some((node) => node.opType === 'Conv')) return 'channels_first';
  }
  return null;
}

/** A tensor has one producer (onnx/docs/IR.md, single static assignment). */
function requireNew(walk: Walk, name: string, by: OnnxNode | null): void {
  if (name !== '' && walk.values.has(name)) refuseTwice(walk, name, by?.name || by?.opType || 'a graph input');
}

function refuseTwice(walk: Walk, name: string, by: string): never {
  throw new InputError('defines a tensor that is defined before; the graph is not valid ONNX', {
    file: walk.model.name,
    key: by,
    value: name,
  });
}

function requireInputs(walk: Walk, node: OnnxNode): void {
  for (const name of node.inputs) {
    if (name === '' || walk.values.has(name)) continue;
    throw new InputError(
      'reads a tensor that no earlier node, input or initializer defines; the graph is not valid ONNX',
      {
        file: walk.model.name,
        key: node.name || node.opType,
        value: name,
      },
    );
  }
}

type Readers = ReadonlyMap<string, readonly OnnxNode[]>;

/** The nodes that read each tensor; one that reads it twice is there twice. */
function readersOf(nodes: readonly OnnxNode[]): Readers {
  const readers = new Map<string, OnnxNode[]>();
  for (const node of nodes) {
    for (const name of readsOf(node)) {
      const known = readers.get(name);
      if (known === undefined) readers.set(name, [node]);
      else known.push(node);
    }
  }
  return readers;
}
