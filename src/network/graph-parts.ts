import type { OnnxModel, OnnxNode } from '../onnx/index.ts';
import type { CutSite } from './cut-sites.ts';
import { operatorOf } from './operators/index.ts';
import { sequence } from './range.ts';
import { readsOf } from './reads.ts';
import type { TensorView } from './tensor-view.ts';
import type { Layer, NamedConstant, NetworkNode, Reader } from './types.ts';
import type { Walk } from './walk.ts';

/** The nodes as others may see them. */
export function nodesOf({ graph }: OnnxModel, inner: ReadonlySet<OnnxNode>): readonly NetworkNode[] {
  return graph.nodes.map((handle) => {
    const operator = operatorOf(handle);
    const { opType, inputs, outputs } = handle;
    return {
      handle,
      op: opType,
      name: nodeName(handle),
      inputs,
      outputs,
      role: operator?.role ?? null,
      saturates: operator?.saturates ?? false,
      isInner: inner.has(handle),
    };
  });
}

/** A node's own name, or that of what it makes. */
export function nodeName({ name, opType, outputs }: OnnxNode): string {
  return name || outputs[0] || opType;
}

/** The operator of a node, for messages. */
export function operatorName({ opType }: OnnxNode): string {
  return opType;
}

/** Every place that has to change when channels are cut. */
export function sitesOf(
  walk: Walk,
  layers: readonly Layer[],
  constants: ReadonlyMap<string, NamedConstant>,
  readers: ReadonlyMap<string, unknown>,
): readonly CutSite[] {
  const sites = walk.sites.map((site) => expandedSite(constants, walk.makers, site) ?? site);
  return [...sites, ...wholeSites(walk, layers, readers)];
}

/** One number that an Expand makes a vector of: what changes is how many of it there are. */
function expandedSite(
  constants: ReadonlyMap<string, NamedConstant>,
  makers: ReadonlyMap<string, OnnxNode>,
  site: CutSite,
): CutSite | null {
  if (site.kind !== 'vector' || site.view.strides[site.axis] !== 0) return null;
  const root = constants.get(site.node.inputs[site.input] ?? '')?.root;
  const node = makers.get(root ?? '');
  if (node === undefined) return null;
  const { channels } = site;
  const sizes = [{ at: 0, channels }];
  return {
    ...{ kind: 'sizes', node, operand: { input: 1 }, values: [channels.length], sizes },
    ...{ isTarget: false, unwritten: null },
  };
}

/** Channels that reach an operator whose result is not understood. It is run though nobody reads it; a second output is not. */
function wholeSites(walk: Walk, layers: readonly Layer[], readers: ReadonlyMap<string, unknown>): CutSite[] {
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
      const { firstChannel, filters } = layers[value.from.layer.id]!;
      const own = sequence(filters, firstChannel);
      if (filters > 0) sites.push({ kind: 'whole', node, op: value.op, channels: own });
    }
  }
  return sites;
}

/** Constants by name: what stands between a stored tensor and its reader (Identity, Transpose, Reshape) reads it as input 0. */
export function constantsOf(walk: Walk): ReadonlyMap<string, NamedConstant> {
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
          isCast: source.isCast || operatorOf(node)?.casts === true,
          via: source.via ?? { node, input: 0 },
        });
      else constants.set(name, { view, root: name, isStored: node.opType === 'Constant', isCast: false, via: null });
    }
  }
  return constants;
}

/** Whether a node only lays out anew what it reads: not so an Expand, or a Concat of constants. */
function isSameElements(a: TensorView, b: TensorView): boolean {
  const count = ({ dims }: TensorView): number => dims.reduce((n, size) => n * size, 1);
  return a.tensor === b.tensor && count(a) === count(b);
}

export function namedReaders(model: OnnxModel): ReadonlyMap<string, readonly Reader[]> {
  const { nodes, outputs } = model.graph;
  const readers = new Map<string, Reader[]>();
  const add = (name: string, reader: Reader): void => {
    const known = readers.get(name);
    if (known === undefined) readers.set(name, [reader]);
    else known.push(reader);
  };
  for (const node of nodes) {
    const reads = readsOf(node);
    for (let at = 0; at < reads.length; at++) add(reads[at]!, at < node.inputs.length ? { node, input: at } : null);
  }
  for (const { name } of outputs) add(name, null);
  return readers;
}
