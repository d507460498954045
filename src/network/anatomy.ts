import type { OnnxFile, OnnxNode } from '../onnx/index.ts';
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
export function dissect(file: OnnxFile): Anatomy {
  const walked = walkGraph(file);
  const { walk } = walked;
  const network = networkOf(walked);
  return {
    network,
    sites: [...walk.sites, ...wholeSites(walk, network, walked.readers)],
    constants: constantsOf(walk),
    readers: readersOf(file),
  };
}

/** Channels that reach an operator whose result is not understood, and is used. */
function wholeSites(walk: Walk, network: Network, readers: ReadonlyMap<string, unknown>): CutSite[] {
  const { nodes, outputs } = walk.file.model.graph;
  const used = new Set([...readers.keys(), ...outputs.map(({ name }) => name)]);
  const sites: CutSite[] = [];
  for (const node of nodes) {
    for (const output of node.outputs) {
      const value = walk.values.get(output);
      if (value?.kind !== 'opaque' || !used.has(output)) continue;
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
  const add = (name: string, from: NamedConstant | null, via: Reader): void => {
    const value = walk.values.get(name);
    if (value?.kind !== 'constant') return;
    constants.set(name, { view: value.view, root: from?.root ?? name, via: from?.via ?? via });
  };
  for (const name of walk.file.model.graph.initializers.keys()) add(name, null, null);
  for (const node of walk.file.model.graph.nodes) {
    const source = constants.get(node.inputs[0] ?? '');
    for (const name of node.outputs) {
      if (node.opType === 'Constant') add(name, null, null);
      else if (source !== undefined) add(name, source, { node, input: 0 });
    }
  }
  return constants;
}

function readersOf(file: OnnxFile): ReadonlyMap<string, readonly Reader[]> {
  const { nodes, outputs } = file.model.graph;
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
