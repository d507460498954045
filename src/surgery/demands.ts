import { type Network, nodeName, type Reader } from '../network/index.ts';
import type { DType, NodeEdit, OnnxGraph, OnnxNode, TensorContent } from '../onnx/index.ts';
import { cannotCut } from './kept.ts';
import { isWhole, type TensorCut } from './tensor-cut.ts';

/** What one reader of a stored tensor needs it to be. */
export interface Demand {
  /** Equal for equal contents. */
  readonly key: string;
  readonly dtype: DType;
  readonly content: TensorContent;
  /** null where the elements are new ones. */
  readonly cut: TensorCut | null;
}

/** Key of a demand for the tensor as it is. */
const WHOLE = '';

/** Collects what nodes need of constants, and settles it: exporters store equal tensors once, whoever reads them. */
export interface Demands {
  /** What input `input` of a node shall read. */
  add(node: OnnxNode, input: number, demand: Demand): void;
  /** What the constant of a name becomes, as far as it is known; null where it stays. */
  of(name: string): Demand | null;
  settle(): Settlement;
}

/** Who reads which tensor in the end. */
export interface Settlement {
  /** New contents of stored tensors. */
  readonly tensors: ReadonlyMap<string, Demand>;
  /** Copies for readers that need another cut. */
  readonly added: ReadonlyMap<string, Demand>;
  readonly inputs: ReadonlyMap<OnnxNode, ReadonlyMap<number, string>>;
}

export function cutKey(cut: TensorCut): string {
  return isWhole(cut) ? WHOLE : JSON.stringify([cut.axes, cut.rows]);
}

/** What is asked of stored tensors, as it comes together. */
interface Asked {
  readonly network: Network;
  readonly unusedName: (near: string) => string;
  /** One key for each input of each node. */
  readonly keyOf: (reader: NonNullable<Reader>) => string;
  /** By stored tensor, then by what reads it. */
  readonly roots: Map<string, Map<string, Demand>>;
  /** Inputs that asked, by key. */
  readonly inputs: Set<string>;
}

export function demandsOf(network: Network, unusedName: (near: string) => string): Demands {
  const order = new Map(network.nodes.map(({ handle }, k) => [handle, k]));
  const asked: Asked = {
    network,
    unusedName,
    keyOf: ({ node, input }) => `${order.get(node)} ${input}`,
    roots: new Map(),
    inputs: new Set(),
  };
  return {
    add: (node, input, demand) => addDemand(asked, node, input, demand),
    of(name) {
      const constant = network.constants.get(name);
      if (constant?.via == null) return null;
      const demand = asked.roots.get(constant.root)?.get(asked.keyOf(constant.via));
      return demand === undefined || demand.key === WHOLE ? null : demand;
    },
    settle: () => settle(asked),
  };
}

function addDemand({ network, keyOf, roots, inputs }: Asked, node: OnnxNode, input: number, demand: Demand): void {
  const constant = network.constants.get(node.inputs[input] ?? '');
  if (constant === undefined) throw new Error(`${node.name}: input ${input} is no constant`);
  const { root, via } = constant;
  const reader = keyOf(via ?? { node, input });
  const demands = roots.get(root) ?? new Map<string, Demand>();
  roots.set(root, demands);
  const known = demands.get(reader);
  if (known !== undefined && known.key !== demand.key)
    throw cannotCut(network, `tensor ${root}`, 'it is read twice through one node, and would be cut in two ways');
  demands.set(reader, demand);
  inputs.add(keyOf({ node, input }));
}

/** Behind an Identity or a Transpose all readers get what one of them asks for. */
function requireAllAsk({ network, keyOf, roots, inputs }: Asked, root: string): void {
  const { constants, readers } = network;
  const demands = roots.get(root)!;
  for (const [name, constant] of constants) {
    if (constant.root !== root || constant.via === null) continue;
    if ((demands.get(keyOf(constant.via))?.key ?? WHOLE) === WHOLE) continue;
    for (const reader of readers.get(name) ?? []) {
      const isPassedOn = reader?.node.outputs.some((output) => constants.get(output)?.root === root) ?? false;
      if (isPassedOn || (reader !== null && inputs.has(keyOf(reader)))) continue;
      const who = reader === null ? "the graph's outputs or a subgraph" : nodeName(reader.node);
      throw cannotCut(network, `tensor ${name}`, `it is read by ${who} too, which needs it whole`);
    }
  }
}

function settle(asked: Asked): Settlement {
  const { network, unusedName, keyOf, roots } = asked;
  const tensors = new Map<string, Demand>();
  const added = new Map<string, Demand>();
  const inputs = new Map<OnnxNode, Map<number, string>>();
  const sizing = new Set(network.nodes.flatMap(({ handle, role }) => (role === 'sizes' ? [handle] : [])));
  for (const [root, demands] of roots) {
    requireAllAsk(asked, root);
    // Who reads only how large it is reads how large it is then: the dynamo exporter makes zeros of a bias of a weight's shape.
    const readers = (network.readers.get(root) ?? []).filter((reader) => reader === null || !sizing.has(reader.node));
    const all = readers.map((reader) => {
      return { reader, demand: reader === null ? undefined : demands.get(keyOf(reader)) };
    });
    // The stored tensor stays with those that need it whole, else with the first reader.
    const isNeeded =
      !network.constants.get(root)!.isStored || all.some(({ demand }) => (demand?.key ?? WHOLE) === WHOLE);
    const owner = isNeeded ? WHOLE : (all[0]?.demand?.key ?? WHOLE);
    const copies = new Map<string, string>();
    for (const { reader, demand } of all) {
      if (demand === undefined || demand.key === WHOLE || reader === null) continue;
      if (demand.key === owner) {
        tensors.set(root, demand);
        continue;
      }
      const copy = copies.get(demand.key) ?? unusedName(root);
      copies.set(demand.key, copy);
      added.set(copy, demand);
      inputs.set(reader.node, (inputs.get(reader.node) ?? new Map<number, string>()).set(reader.input, copy));
    }
  }
  return { tensors, added, inputs };
}

/** Makes names that the graph and its subgraphs do not have. */
export function namer(graph: OnnxGraph): (near: string) => string {
  const taken = new Set(namesIn(graph));
  return (near) => {
    let name = `${near}_cut`;
    for (let k = 2; taken.has(name); k++) name = `${near}_cut_${k}`;
    taken.add(name);
    return name;
  };
}

function* namesIn(graph: OnnxGraph): Generator<string> {
  yield* graph.initializers.keys();
  yield* graph.sparseInitializers;
  for (const { name } of graph.inputs) yield name;
  for (const node of graph.nodes) {
    yield* node.outputs;
    for (const attribute of node.attributes.values()) {
      if (attribute.kind === 'graph') yield* namesIn(attribute.value);
      if (attribute.kind === 'graphs') for (const inner of attribute.value) yield* namesIn(inner);
    }
  }
}

/** Edits of nodes as they come together. */
export function nodeEdits(): {
  readonly inputs: (node: OnnxNode, input: number, name: string) => void;
  readonly attribute: (node: OnnxNode, name: string, value: number | readonly number[] | null) => void;
  readonly all: ReadonlyMap<OnnxNode, NodeEdit>;
} {
  const all = new Map<
    OnnxNode,
    { inputs: Map<number, string>; attributes: Map<string, number | readonly number[] | null> }
  >();
  const of = (node: OnnxNode) => {
    const known = all.get(node) ?? { inputs: new Map(), attributes: new Map() };
    all.set(node, known);
    return known;
  };
  return {
    inputs: (node, input, name) => void of(node).inputs.set(input, name),
    attribute: (node, name, value) => void of(node).attributes.set(name, value),
    all,
  };
}
