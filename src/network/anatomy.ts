import type { OnnxModel, OnnxNode } from '../onnx/index.ts';
import { networkOf, walkGraph } from './build.ts';
import type { CutSite } from './cut-sites.ts';
import { readsOf } from './reads.ts';
import type { TensorView } from './tensor-view.ts';
import type { Network } from './types.ts';
import type { Walk } from './walk.ts';

/** Who reads a tensor: a node's input, or null for a graph's output and for subgraphs, which read it by name. */
export type Reader = { readonly node: OnnxNode; readonly input: number } | null;

/** A constant under one of its names. */
export interface NamedConstant {
  readonly view: TensorView;
  /** The name under which it is stored: an initializer's, or a Constant node's output. */
  readonly root: string;
  /** False where a node makes it of others, so that it is stored nowhere as it is read: its root is then its own name. */
  readonly isStored: boolean;
  /** Whether it has another element type than the stored one. */
  readonly isCast: boolean;
  /** What reads the stored one on the way to this name; null where this is its name. */
  readonly via: Reader;
}

/** A network and all that hangs on its channels in the file, so that it can be cut. */
export interface Anatomy {
  readonly network: Network;
  readonly sites: readonly CutSite[];
  readonly constants: ReadonlyMap<string, NamedConstant>;
  readonly readers: ReadonlyMap<string, readonly Reader[]>;
}

/** Reads a network with the places where it can be cut. */
export function dissect(model: OnnxModel): Anatomy {
  const walked = walkGraph(model);
  const { walk } = walked;
  const network = networkOf(walked);
  const constants = constantsOf(walk);
  const sites = walk.sites.map((site) => expandedSite(walk, constants, site) ?? site);
  return {
    network,
    sites: [...sites, ...wholeSites(walk, network, walked.readers)],
    constants,
    readers: readersOf(model),
  };
}

/** One number that an Expand makes a vector of: what changes is how many of it there are. */
function expandedSite(walk: Walk, constants: ReadonlyMap<string, NamedConstant>, site: CutSite): CutSite | null {
  if (site.kind !== 'vector' || site.view.strides[site.axis] !== 0) return null;
  const root = constants.get(site.node.inputs[site.input] ?? '')?.root;
  const node = walk.model.graph.nodes.find(({ outputs }) => outputs.some((name) => name === root));
  if (node === undefined) return null;
  const { channels } = site;
  const sizes = [{ at: 0, channels }];
  return {
    ...{ kind: 'sizes', node, operand: { input: 1 }, values: [channels.length], sizes },
    ...{ isTarget: false, unwritten: null },
  };
}

/** Channels that reach an operator whose result is not understood. It is run though nobody reads it; a second output is not. */
function wholeSites(walk: Walk, network: Network, readers: ReadonlyMap<string, unknown>): CutSite[] {
  const { nodes, outputs } = walk.model.graph;
  const used = new Set([...readers.keys(), ...outputs.map(({ name }) => name)]);
  const sites: CutSite[] = [];
  for (const node of nodes) {
    for (const [k, output] of node.outputs.entries()) {
      const value = walk.values.get(output);
      if (value?.kind !== 'opaque' || (k > 0 && !used.has(output))) continue;
      for (const name of readsOf(node)) {
        const read = walk.values.get(name);
        if (read?.kind === 'channels') sites.push({ kind: 'whole', node, op: value.op, channels: read.map.ids });
      }
      const { firstChannel, filters } = network.layers[value.from.layer.id]!;
      const own = Int32Array.from({ length: filters }, (_, k) => firstChannel + k);
      if (filters > 0) sites.push({ kind: 'whole', node, op: value.op, channels: own });
    }
  }
  return sites;
}

/** Constants by name: what stands between a stored tensor and its reader (Identity, Transpose, Reshape) reads it as input 0. */
function constantsOf(walk: Walk): ReadonlyMap<string, NamedConstant> {
  const constants = new Map<string, NamedConstant>();
  const { initializers, nodes } = walk.model.graph;
  for (const name of initializers.keys()) {
    const value = walk.values.get(name);
    if (value?.kind === 'constant')
      constants.set(name, { view: value.view, root: name, isStored: true, isCast: false, via: null });
  }
  for (const node of nodes) {
    const source = constants.get(node.inputs[0] ?? '');
    for (const name of node.outputs) {
      const value = walk.values.get(name);
      if (value?.kind !== 'constant') continue;
      const { view } = value;
      if (source !== undefined && isSameElements(source.view, view))
        constants.set(name, {
          ...source,
          view,
          isCast: source.isCast || CASTS.has(node.opType),
          via: source.via ?? { node, input: 0 },
        });
      else constants.set(name, { view, root: name, isStored: node.opType === 'Constant', isCast: false, via: null });
    }
  }
  return constants;
}

const CASTS = new Set(['Cast', 'CastLike', 'DequantizeLinear', 'QuantizeLinear']);

/** Whether a node only lays out anew what it reads: not so an Expand, or a Concat of constants. */
function isSameElements(a: TensorView, b: TensorView): boolean {
  const count = ({ dims }: TensorView): number => dims.reduce((n, size) => n * size, 1);
  return a.tensor === b.tensor && count(a) === count(b);
}

function readersOf(model: OnnxModel): ReadonlyMap<string, readonly Reader[]> {
  const { nodes, outputs } = model.graph;
  const readers = new Map<string, Reader[]>();
  const add = (name: string, reader: Reader): void => {
    const known = readers.get(name);
    if (known === undefined) readers.set(name, [reader]);
    else known.push(reader);
  };
  for (const node of nodes) {
    for (const [input, name] of node.inputs.entries()) add(name, { node, input });
    for (const name of readsOf(node).slice(node.inputs.length)) add(name, null);
  }
  for (const { name } of outputs) add(name, null);
  return readers;
}
