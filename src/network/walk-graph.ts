import { InputError } from '../errors/input-error.ts';
import type { OnnxModel, OnnxNode } from '../onnx/index.ts';
import { ownersAmong } from './channels.ts';
import { computeNode, MAX_COMPUTED } from './constants.ts';
import type { CutSite } from './cut-sites.ts';
import type { LayerDraft, Value } from './drafts.ts';
import { layerDrafts } from './layers.ts';
import { sourceNames } from './names/index.ts';
import { operatorOf } from './operators/index.ts';
import { readsOf } from './reads.ts';
import { viewOf } from './tensor-view.ts';
import type { Coupling, Follower } from './types.ts';
import type { Leads, Walk } from './walk.ts';
import { input, isSignal, setOpaque, setOutput } from './walk.ts';

/** Channel positions that all tensors of a model may have together, four bytes each: real models take thousands (CWE-789). */
const MAX_MAPPED_POSITIONS = 2 ** 24;

/** What one pass over a graph finds. */
export interface Walked {
  readonly walk: Walk;
  readonly readers: Readers;
  /** Layer that owns each channel id. */
  readonly owners: readonly number[];
  readonly normalized: ReadonlySet<LayerDraft>;
}

/**
 * Passes over the nodes in order, and tells of every tensor what it carries.
 * @throws InputError for a graph that is not valid ONNX
 */
export function walkGraph(model: OnnxModel, leads: Leads): Walked {
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
    lead: (operands) => leads(operands.map((ids) => ownersAmong(owners, ids))),
    makers: new Map(),
    soleConsumer(tensor) {
      const nodesReading = readers.get(tensor);
      return nodesReading?.length === 1 ? nodesReading[0] : undefined;
    },
    followers: [] as Follower[],
    couplings: [] as Coupling[],
    shared: new Set(),
    besideComputed: new Set(),
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
    if (operatorOf(node)?.sort === 'batch-norm') {
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

export type Readers = ReadonlyMap<string, readonly OnnxNode[]>;

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
