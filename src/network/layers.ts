import type { OnnxNode } from '../onnx/index.ts';
import type { LayerDraft, Origin, Value } from './drafts.ts';
import { baseOp, type SourceNames } from './names.ts';
import type { LayerKind } from './types.ts';

export interface LayerDrafts {
  readonly all: readonly LayerDraft[];
  /** A graph input's layer. */
  input(name: string): Origin;
  /** Adds a node to its source layer: the one its name tells, or one of its own. */
  place(node: OnnxNode, kind: LayerKind, values: ReadonlyMap<string, Value>): Origin;
  /** Whether a node's name tells that it is one of a source layer's own operators. */
  isNamed(node: OnnxNode): boolean;
  /** Whether a node is all that its source layer consists of. */
  isAlone(node: OnnxNode): boolean;
  /** Adds a node with weights under a name already decided; nodes that share the weight are calls of one layer. */
  placeWeighted(
    node: OnnxNode,
    kind: LayerKind,
    name: string,
    weightKey: string,
    values: ReadonlyMap<string, Value>,
  ): Origin;
}

/**
 * Groups nodes into the layers of the source framework, by name.
 * @param nodes all nodes, in graph order
 */
export function layerDrafts(names: SourceNames, nodes: readonly OnnxNode[]): LayerDrafts {
  const nodesOf = nodesPerLayer(nodes, names);
  const leadsBack = layersAhead(nodes, names);
  const all: LayerDraft[] = [];
  const byName = new Map<string, LayerDraft>();
  const byWeight = new Map<string, LayerDraft>();
  const weightedNames = new Set<string>();

  const create = (name: string, isWeighted = false): LayerDraft => {
    const draft: LayerDraft = {
      id: all.length,
      name,
      parts: [],
      calls: [],
      weight: null,
      norm: null,
      groups: 1,
      firstChannel: 0,
      filters: 0,
      targetShape: null,
      output: { shape: null, channelAxis: null },
      weightNames: [],
      hasBias: false,
    };
    all.push(draft);
    byName.set(name, draft);
    if (isWeighted) weightedNames.add(name);
    return draft;
  };

  const join = (
    layer: LayerDraft,
    node: OnnxNode,
    kind: LayerKind,
    values: ReadonlyMap<string, Value>,
    newCall: boolean,
  ): Origin => {
    layer.parts.push({ kind, op: node.opType });
    const signals = node.inputs.flatMap((name) => {
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
    for (const name of node.inputs) {
      const value = values.get(name);
      if (value !== undefined && value.kind !== 'constant' && value.from !== null) origins.add(value.from.layer);
    }
    const [only] = origins;
    return origins.size === 1 && only !== undefined && ahead.has(only.name) ? only : undefined;
  };

  const unused = (name: string, isTaken: (name: string) => boolean): string => {
    if (!isTaken(name)) return name;
    for (let n = 2; ; n++) if (!isTaken(`${name}#${n}`)) return `${name}#${n}`;
  };
  const isKnown = (name: string): boolean => byName.has(name);

  return {
    all,
    input(name) {
      const layer = create(unused(name, isKnown));
      layer.parts.push({ kind: 'input', op: 'Input' });
      layer.calls.push({ externals: new Map(), doubled: false, columns: null, positions: null });
      return { layer, call: 0 };
    },
    place(node, kind, values) {
      const source = names.parse(node.name);
      const known = source === null ? enclosing(node, values) : byName.get(source.layer);
      const layer = known ?? create(unused(source?.layer ?? (node.name || node.outputs[0] || node.opType), isKnown));
      return join(layer, node, kind, values, false);
    },
    isNamed(node) {
      // Transposes of size-one axes are rewritten as reshapes, and keep their name.
      const source = names.parse(node.name);
      return source !== null && baseOp(source.op) !== 'transpose';
    },
    isAlone(node) {
      const source = names.parse(node.name);
      return source !== null && nodesOf.get(source.layer) === 1;
    },
    placeWeighted(node, kind, name, weightKey, values) {
      const key = `${weightKey}\u0000${name}`;
      // Two different weights under one name (a separable conv, a borrowed name) are two layers.
      const layer =
        byWeight.get(key) ??
        create(
          unused(name, (taken) => weightedNames.has(taken)),
          true,
        );
      byWeight.set(key, layer);
      return join(layer, node, kind, values, true);
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

/** For each nameless node, the layers whose named nodes it reaches through nameless ones only. */
function layersAhead(nodes: readonly OnnxNode[], names: SourceNames): ReadonlyMap<OnnxNode, ReadonlySet<string>> {
  const readers = new Map<string, Set<string>>();
  const ahead = new Map<OnnxNode, ReadonlySet<string>>();
  for (const node of nodes.toReversed()) {
    const named = names.parse(node.name)?.layer;
    let reached: Set<string>;
    if (named !== undefined) reached = new Set([named]);
    else {
      reached = new Set(node.outputs.flatMap((name) => [...(readers.get(name) ?? [])]));
      if (reached.size > 0) ahead.set(node, reached);
    }
    for (const name of node.inputs) {
      const known = readers.get(name);
      if (known === undefined) readers.set(name, new Set(reached));
      else for (const layer of reached) known.add(layer);
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
  for (const kind of RANK) {
    const part = draft.parts.find((p) => p.kind === kind);
    if (part === undefined) continue;
    // x * sigmoid(x) inside one layer is an activation: only one tensor comes in from outside.
    if (kind === 'elementwise' && draft.calls.every((call) => call.externals.size < 2 && !call.doubled)) continue;
    return part;
  }
  return { kind: 'activation', op: draft.parts[0]?.op ?? '' };
}
