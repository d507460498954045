import type { OnnxNode } from '../onnx/index.ts';
import type { LayerDraft, Origin, Value } from './drafts.ts';
import { type LayerNames, layerNames, numberedNames } from './layer-names.ts';
import type { SourceNames } from './names/source-name.ts';
import { readsOf } from './reads.ts';
import type { LayerKind, Opaque, Weight } from './types.ts';

export interface LayerDrafts {
  readonly all: readonly LayerDraft[];
  /** A graph input's layer. */
  input(name: string): Origin;
  /**
   * Adds a node to its source layer: the one its name tells, or one of its own.
   * @param known what another thing than the node tells: the name of that own layer, the operator that the source called
   */
  place(node: OnnxNode, kind: LayerKind, values: ReadonlyMap<string, Value>, known?: Known): Origin;
  /** Whether a node's name tells that the source has it: as one of a layer's own operators, or as a call in a module's forward(). */
  isNamed(node: OnnxNode): boolean;
  /** Whether a node is all that its source layer consists of. */
  isAlone(node: OnnxNode): boolean;
  /** Adds a node with weights under a name already decided; nodes that share the weight are calls of one layer. */
  placeWeighted(node: OnnxNode, weighted: Weighted, values: ReadonlyMap<string, Value>): Origin;
}

export interface Known {
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

/** Layers while nodes are placed in them. */
interface Placing {
  readonly names: LayerNames;
  readonly all: LayerDraft[];
  /** Layers by the name that their nodes carry. */
  readonly byName: Map<string, LayerDraft>;
  readonly byWeight: Map<string, LayerDraft>;
  readonly taken: Set<string>;
  readonly weightedNames: Set<string>;
  /** Number of each weight, in the order in which they are met. */
  readonly weightNumbers: Map<unknown, number>;
  readonly unused: (name: string, used: ReadonlySet<string>) => string;
}

/**
 * Groups nodes into the layers of the source framework, by name.
 * @param nodes all nodes, in graph order
 */
export function layerDrafts(names: SourceNames, nodes: readonly OnnxNode[]): LayerDrafts {
  const placing: Placing = {
    names: layerNames(names, nodes),
    all: [],
    byName: new Map(),
    byWeight: new Map(),
    taken: new Set(),
    weightedNames: new Set(),
    weightNumbers: new Map(),
    unused: numberedNames(),
  };
  return {
    all: placing.all,
    input: (name) => placeInput(placing, name),
    place: (node, kind, values, known) => placeNode(placing, node, kind, values, known),
    isNamed: placing.names.isNamed,
    isAlone: placing.names.isAlone,
    placeWeighted: (node, weighted, values) => placeWeighted(placing, node, weighted, values),
  };
}

function placeInput(placing: Placing, name: string): Origin {
  // Nodes under a name that an input has as well are a layer of their own.
  const layer = create(placing, placing.unused(name, placing.taken));
  layer.parts.push({ kind: 'input', op: 'Input' });
  layer.calls.push({ externals: new Map(), doubled: false, columns: null, positions: null });
  return { layer, call: 0 };
}

function placeNode(
  placing: Placing,
  node: OnnxNode,
  kind: LayerKind,
  values: ReadonlyMap<string, Value>,
  { name = null, op = node.opType }: Known = {},
): Origin {
  const { names, byName } = placing;
  const source = names.layerOf(node);
  const known = source === null ? enclosing(placing, node, values) : byName.get(source);
  const own = source ?? name ?? (node.name || node.outputs[0] || node.opType);
  const layer = known ?? create(placing, placing.unused(own, placing.taken));
  if (source !== null) byName.set(source, layer);
  return join(layer, node, { kind, op }, values, false);
}

function placeWeighted(
  placing: Placing,
  node: OnnxNode,
  weighted: Weighted,
  values: ReadonlyMap<string, Value>,
): Origin {
  const { byWeight, byName, weightedNames } = placing;
  const { name, kind } = weighted;
  const key = keyOf(placing, weighted);
  let layer = byWeight.get(key);
  if (layer === undefined) {
    // Two different weights under one name (a separable conv, a borrowed name) are two layers.
    layer = create(placing, placing.unused(name, weightedNames), name);
    weightedNames.add(layer.name);
    byName.set(layer.name, layer);
    byWeight.set(key, layer);
  }
  return join(layer, node, { kind, op: node.opType }, values, true);
}

/** Equal for calls of one layer. */
function keyOf({ weightNumbers }: Placing, { kind, name, weight, groups }: Weighted): string {
  const stored = 'opaque' in weight ? weight : weight.tensor;
  const number = weightNumbers.get(stored) ?? weightNumbers.size;
  weightNumbers.set(stored, number);
  const read = 'opaque' in weight ? [] : [weight.outCount, weight.outStride, weight.inCount, weight.inStride];
  return [number, kind, groups, ...read, name].join(' ');
}

function create({ all, taken }: Placing, name: string, sourceName = name): LayerDraft {
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
    scaling: null,
    rescales: null,
    isRescaled: false,
    biases: new Set(),
  };
  all.push(draft);
  taken.add(name);
  return draft;
}

interface NamedSignal {
  readonly name: string;
  readonly from: Origin;
}

/** What a node reads that is computed from the model's inputs. */
function signalsOf(node: OnnxNode, values: ReadonlyMap<string, Value>): readonly NamedSignal[] {
  const signals: NamedSignal[] = [];
  for (const name of readsOf(node)) {
    const value = values.get(name);
    if (value !== undefined && value.kind !== 'constant' && value.from !== null)
      signals.push({ name, from: value.from });
  }
  return signals;
}

/** Makes a node a part of a layer: of the call that it reads from inside, else of a new one. */
function join(
  layer: LayerDraft,
  node: OnnxNode,
  part: LayerDraft['parts'][number],
  values: ReadonlyMap<string, Value>,
  newCall: boolean,
): Origin {
  layer.parts.push(part);
  const signals = signalsOf(node, values);
  const inside = signals.find((signal) => signal.from.layer === layer);
  const at = inside === undefined || newCall ? layer.calls.length : inside.from.call;
  const call = layer.calls[at] ?? { externals: new Map(), doubled: false, columns: null, positions: null };
  layer.calls[at] = call;
  for (const { name, from } of signals) {
    if (from.layer !== layer || newCall) call.externals.set(name, from.layer);
  }
  if (signals.length > 1 && new Set(signals.map((s) => s.name)).size < signals.length) call.doubled = true;
  return { layer, call: at };
}

/** The layer that a nameless node stands inside: it reads that layer alone, and leads back to it. */
function enclosing({ names }: Placing, node: OnnxNode, values: ReadonlyMap<string, Value>): LayerDraft | undefined {
  const origins = new Set(signalsOf(node, values).map(({ from }) => from.layer));
  const [only] = origins;
  return origins.size === 1 && only !== undefined && names.leadsTo(node, only.name) ? only : undefined;
}
