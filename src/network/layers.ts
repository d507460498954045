import type { OnnxNode } from '../onnx/index.ts';
import type { LayerDraft, Origin, Value } from './drafts.ts';
import type { SourceNames } from './names/source-name.ts';
import { baseOp } from './names/tensorflow.ts';
import { isTorchName } from './names/torch.ts';
import { readsOf } from './reads.ts';
import type { LayerKind, Opaque, Weight } from './types.ts';

export interface LayerDrafts {
  readonly all: readonly LayerDraft[];
  /** A graph input's layer. */
  input(name: string): Origin;
  /**
   * Adds a node to its source layer: the one its name tells, or one of its own.
   * @param told what another thing than the node tells: the name of that own layer, the operator that the source called
   */
  place(node: OnnxNode, kind: LayerKind, values: ReadonlyMap<string, Value>, told?: Told): Origin;
  /** Whether a node's name tells that the source has it: as one of a layer's own operators, or as a call in a module's forward(). */
  isNamed(node: OnnxNode): boolean;
  /** Whether a node is all that its source layer consists of. */
  isAlone(node: OnnxNode): boolean;
  /** Adds a node with weights under a name already decided; nodes that share the weight are calls of one layer. */
  placeWeighted(node: OnnxNode, weighted: Weighted, values: ReadonlyMap<string, Value>): Origin;
}

export interface Told {
  readonly name?: string | null;
  readonly op?: string;
}

/** What makes two nodes calls of one layer: the same weight, read the same way, under one name. */
export interface Weighted {
  readonly kind: LayerKind;
  readonly name: string;
  readonly weight: Weight | Opaque;
  readonly groups: number;
}

/**
 * Groups nodes into the layers of the source framework, by name.
 * @param nodes all nodes, in graph order
 */
export function layerDrafts(names: SourceNames, nodes: readonly OnnxNode[]): LayerDrafts {
  const nodesOf = nodesPerLayer(nodes, names);
  const leadsBack = layersAhead(nodes, names);
  const all: LayerDraft[] = [];
  /** Layers by the name that their nodes carry. */
  const byName = new Map<string, LayerDraft>();
  const byWeight = new Map<string, LayerDraft>();
  const weightedNames = new Set<string>();
  const taken = new Set<string>();

  const create = (name: string, isWeighted = false, sourceName = name): LayerDraft => {
    const draft: LayerDraft = {
      id: all.length,
      name,
      parts: [],
      calls: [],
      weight: null,
      norms: [],
      groups: 1,
      firstChannel: 0,
      filters: 0,
      targetShape: null,
      output: { shape: null, channelAxis: null },
      joins: null,
      sourceName,
      weightNames: [],
      hasBias: false,
      biasOf: null,
      biases: new Set(),
    };
    all.push(draft);
    taken.add(name);
    if (isWeighted) {
      weightedNames.add(name);
      byName.set(name, draft);
    }
    return draft;
  };

  const join = (
    layer: LayerDraft,
    node: OnnxNode,
    part: LayerDraft['parts'][number],
    values: ReadonlyMap<string, Value>,
    newCall: boolean,
  ): Origin => {
    layer.parts.push(part);
    const signals = readsOf(node).flatMap((name) => {
      const value = values.get(name);
      return value !== undefined && value.kind !== 'constant' && value.from !== null
        ? [{ name, from: value.from }]
        : [];
    });
    const inside = signals.find((signal) => signal.from.layer === layer);
    const at = inside === undefined || newCall ? layer.calls.length : inside.from.call;
    const call = layer.calls[at] ?? {
      externals: new Map<string, LayerDraft>(),
      doubled: false,
      columns: null,
      positions: null,
    };
    layer.calls[at] = call;
    for (const { name, from } of signals) {
      if (from.layer !== layer || newCall) call.externals.set(name, from.layer);
    }
    if (signals.length > 1 && new Set(signals.map((s) => s.name)).size < signals.length) call.doubled = true;
    return { layer, call: at };
  };

  /** The layer that a nameless node stands inside: it reads that layer alone, and leads back to it. */
  const enclosing = (node: OnnxNode, values: ReadonlyMap<string, Value>): LayerDraft | undefined => {
    const ahead = leadsBack.get(node);
    if (ahead === undefined) return undefined;
    const origins = new Set<LayerDraft>();
    for (const name of readsOf(node)) {
      const value = values.get(name);
      if (value !== undefined && value.kind !== 'constant' && value.from !== null) origins.add(value.from.layer);
    }
    const [only] = origins;
    return origins.size === 1 && only !== undefined && ahead.has(only.name) ? only : undefined;
  };

  const nextNumber = new Map<string, number>();
  const unused = (name: string, used: ReadonlySet<string>): string => {
    if (!used.has(name)) return name;
    let n = nextNumber.get(name) ?? 2;
    while (used.has(`${name}#${n}`)) n++;
    nextNumber.set(name, n);
    return `${name}#${n}`;
  };
  const weightNumbers = new Map<unknown, number>();
  const keyOf = ({ kind, name, weight, groups }: Weighted): string => {
    const stored = 'opaque' in weight ? weight : weight.tensor;
    const number = weightNumbers.get(stored) ?? weightNumbers.size;
    weightNumbers.set(stored, number);
    const read = 'opaque' in weight ? [] : [weight.outCount, weight.outStride, weight.inCount, weight.inStride];
    return [number, kind, groups, ...read, name].join(' ');
  };

  return {
    all,
    input(name) {
      // Nodes under a name that an input has as well are a layer of their own.
      const layer = create(unused(name, taken));
      layer.parts.push({ kind: 'input', op: 'Input' });
      layer.calls.push({ externals: new Map(), doubled: false, columns: null, positions: null });
      return { layer, call: 0 };
    },
    place(node, kind, values, { name = null, op = node.opType } = {}) {
      const source = names.parse(node.name);
      const known = source === null ? enclosing(node, values) : byName.get(source.layer);
      const own = source?.layer ?? name ?? (node.name || node.outputs[0] || node.opType);
      const layer = known ?? create(unused(own, taken));
      if (source !== null) byName.set(source.layer, layer);
      return join(layer, node, { kind, op }, values, false);
    },
    isNamed(node) {
      // Transposes of size-one axes are rewritten as reshapes, and keep their name.
      const source = names.parse(node.name);
      return source === null ? isTorchName(node.name) : baseOp(source.op) !== 'transpose';
    },
    isAlone(node) {
      const source = names.parse(node.name);
      return source !== null && nodesOf.get(source.layer) === 1;
    },
    placeWeighted(node, weighted, values) {
      const key = keyOf(weighted);
      // Two different weights under one name (a separable conv, a borrowed name) are two layers.
      const layer = byWeight.get(key) ?? create(unused(weighted.name, weightedNames), true, weighted.name);
      byWeight.set(key, layer);
      return join(layer, node, { kind: weighted.kind, op: node.opType }, values, true);
    },
  };
}

function nodesPerLayer(nodes: readonly OnnxNode[], names: SourceNames): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const node of nodes) {
    const layer = names.parse(node.name)?.layer;
    if (layer !== undefined) counts.set(layer, (counts.get(layer) ?? 0) + 1);
  }
  return counts;
}

/** A nameless node that leads to more layers than this stands between layers, not inside one. */
const MAX_LAYERS_AHEAD = 64;

/** For each nameless node, the layers whose named nodes it reaches through nameless ones only. */
function layersAhead(nodes: readonly OnnxNode[], names: SourceNames): ReadonlyMap<OnnxNode, ReadonlySet<string>> {
  const readers = new Map<string, Set<string>>();
  const ahead = new Map<OnnxNode, ReadonlySet<string>>();
  const isNameless = (node: OnnxNode): boolean => names.parse(node.name) === null;
  if (nodes.every(isNameless) || !nodes.some(isNameless)) return ahead;
  const addAll = (to: Set<string>, from: Iterable<string>): void => {
    for (const layer of from) if (to.size < MAX_LAYERS_AHEAD) to.add(layer);
  };
  for (const node of nodes.toReversed()) {
    const named = names.parse(node.name)?.layer;
    const reached = new Set<string>();
    if (named !== undefined) reached.add(named);
    else {
      for (const name of node.outputs) addAll(reached, readers.get(name) ?? []);
      if (reached.size > 0 && reached.size < MAX_LAYERS_AHEAD) ahead.set(node, reached);
    }
    for (const name of node.inputs) {
      const known = readers.get(name) ?? new Set<string>();
      addAll(known, reached);
      readers.set(name, known);
    }
  }
  return ahead;
}

/** Kinds that say what a layer is, strongest first; an activation merely rides along. */
const RANK: readonly LayerKind[] = [
  'input',
  'conv',
  'depthwise',
  'dense',
  'conv-transpose',
  'opaque',
  'batch-norm',
  'concat',
  'elementwise',
  'flatten',
  'reshape',
  'global-pool',
  'pool',
  'upsample',
  'pad',
  'crop',
  'softmax',
  'permute',
];

/** The kind of a finished layer and the operator that makes it so. */
export function layerKind(draft: LayerDraft): { readonly kind: LayerKind; readonly op: string } {
  if (isFusion(draft)) return { kind: 'elementwise', op: 'WeightedFusion' };
  for (const kind of RANK) {
    const part = draft.parts.find((p) => p.kind === kind);
    if (part === undefined) continue;
    // x * sigmoid(x) inside one layer is an activation: only one tensor comes in from outside.
    if (kind === 'elementwise' && draft.calls.every((call) => call.externals.size < 2 && !call.doubled)) continue;
    return part;
  }
  return { kind: 'activation', op: draft.parts[0]?.op ?? '' };
}

/** tf2onnx writes the sum of a list as its stack along a new axis, summed over that: EfficientDet's WeightedFusion does so. */
function isFusion({ parts, calls }: LayerDraft): boolean {
  const has = (op: string): boolean => parts.some((part) => part.op === op);
  return has('Concat') && has('ReduceSum') && calls.some((call) => call.externals.size > 0);
}
