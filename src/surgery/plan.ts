import {
  type ChannelMap,
  type CutSite,
  encoded,
  type HeadsSite,
  type IntegerOperand,
  type KernelSite,
  type Network,
  nodeName,
  operatorName,
  type PicksSite,
  type RangeSite,
  type SizesSite,
  type VectorSite,
} from '../network/index.ts';
import type { DType, ModelEdits, NewTensor, OnnxNode, TensorContent } from '../onnx/index.ts';
import { contentOf as contentAtHand } from '../onnx/index.ts';
import { allFilters } from '../prose/index.ts';
import { cutKey, type Demand, type Demands, demandsOf, namer, nodeEdits, type Settlement } from './demands.ts';
import { headScales } from './head-scales.ts';
import { newPicks, newRange, newSizes } from './integers.ts';
import {
  type Cut,
  cannotCut,
  evenSizes,
  type HeadScale,
  type KeptChannels,
  ownerOf,
  type PrunerFaults,
} from './kept.ts';
import { kernelCut, vectorCut } from './operands.ts';
import { contentOf, type TensorCut, viewDims } from './tensor-cut.ts';
import { unreadConstants } from './unread.ts';

/** How a model file changes when channels are cut. */
export interface CutPlan {
  readonly edits: ModelEdits;
  /** Nodes whose integers are computed in the graph, and may come out right by themselves. */
  readonly computed: readonly OnnxNode[];
  /** Nodes that compute another thing than with zeros in the place of the channels that go. */
  readonly mixing: readonly OnnxNode[];
  /** Products of heads that lose different channels, so that what is left of one comes to stand in another. */
  readonly dealt: readonly OnnxNode[];
  /** Numbers that may have been computed from the size of a head. */
  readonly scales: readonly HeadScale[];
}

/** A plan while it is made. */
interface Draft {
  readonly network: Network;
  readonly kept: KeptChannels;
  readonly faults: PrunerFaults | null;
  /** Whether integers that the graph computes are replaced by constants. */
  readonly settled: boolean;
  readonly demands: Demands;
  readonly nodes: ReturnType<typeof nodeEdits>;
  readonly added: Map<string, NewTensor>;
  readonly computed: OnnxNode[];
  readonly mixing: OnnxNode[];
  readonly dealt: OnnxNode[];
  readonly unusedName: (near: string) => string;
}

/**
 * @param settled whether integers that the graph computes are replaced by constants
 * @throws InputError for what cannot be cut
 */
export function planCut(network: Network, kept: KeptChannels, cut: Cut, settled: boolean): CutPlan {
  const unusedName = namer(network.model.graph);
  const draft: Draft = {
    ...{ network, kept, faults: cut.asPruner, settled, unusedName },
    demands: demandsOf(network, unusedName),
    nodes: nodeEdits(),
    added: new Map(),
    computed: [],
    mixing: [],
    dealt: [],
  };
  // What is left of each tensor must be one.
  for (const [name, { channels }] of network.tensors)
    if (channels !== null && 'axes' in channels) kept.sizes(name, channels);
  // Sizes of constants are known once these are cut.
  for (const site of network.sites) cutOperand(draft, site);
  for (const site of network.sites) cutIntegers(draft, site);
  const scales = headScales(network, kept);
  for (const scale of scales) rescale(draft, scale, cut.scale?.(scale) ?? scale.value);
  const settlement = draft.demands.settle();
  refuseRigid(draft, settlement);
  return {
    edits: editsOf(draft, settlement),
    computed: draft.computed,
    mixing: draft.mixing,
    dealt: draft.dealt,
    scales,
  };
}

function cutOperand(draft: Draft, site: CutSite): void {
  const { network, kept } = draft;
  switch (site.kind) {
    case 'kernel':
      return cutKernel(draft, site);
    case 'vector':
      return demandCut(draft, site, vectorCut(network, site, kept));
    case 'whole': {
      const gone = site.channels.find((id) => !kept.has(id));
      if (gone === undefined) return;
      return refuse(draft, site.node, `${site.op} cannot be cut, and channels of ${ownerOf(network, gone)} reach it`);
    }
    case 'mix':
      if (kept.positions(site.channels) !== null) draft.mixing.push(site.node);
      return;
    case 'heads':
      refuseSharedHeads(draft, site);
      if (site.operands.some((operand) => isDealtOut(operand, kept))) draft.dealt.push(site.node);
  }
}

/** Heads of queries that share one of keys may go while that stays. Which of the copies of a key goes with them, no list of filters says. */
function refuseSharedHeads(draft: Draft, { node, operands }: HeadsSite): void {
  const heads = operands.map((map) => evenSizes(map, draft.kept.positions(map.ids) ?? allFilters(map.ids.length))?.[0]);
  const [queries, keys] = operands.map(({ ids }) => ownerOf(draft.network, ids[0]!));
  if (operands.length > 1 && heads.every((count) => count !== undefined) && heads[0] !== heads[1])
    refuse(
      draft,
      node,
      `whole heads of ${queries} go that share those of ${keys}, which stay: prune it with the pruner itself and check what that wrote, or prune within heads (prune_num_heads: false)`,
    );
}

function isDealtOut(map: ChannelMap, kept: KeptChannels): boolean {
  const left = kept.positions(map.ids);
  return left !== null && map.axes.length > 1 && evenSizes(map, left) === null;
}

function cutIntegers(draft: Draft, site: CutSite): void {
  switch (site.kind) {
    case 'sizes':
      return cutSizes(draft, site);
    case 'range':
      return cutRange(draft, site);
    case 'picks':
      return cutPicks(draft, site);
  }
}

function cutKernel(draft: Draft, site: KernelSite): void {
  const { network, kept, faults, nodes } = draft;
  const { cut, groups } = kernelCut(network, site, kept, faults);
  demandCut(draft, site, cut);
  if (site.groupAttribute !== null && groups !== network.layers[site.layer]!.groups)
    nodes.attribute(site.node, site.groupAttribute, groups);
}

function demandCut({ demands, network }: Draft, { node, input }: KernelSite | VectorSite, cut: TensorCut): void {
  demands.add(node, input, {
    key: cutKey(cut),
    dtype: cut.tensor.dtype,
    content: contentOf(network.model.buffer, cut),
    cut,
  });
}

function cutSizes(draft: Draft, site: SizesSite): void {
  const values = newSizes(site, draft.kept, (tensor, axis) => sizesOf(draft, draft.demands.of, tensor)?.[axis] ?? null);
  if (typeof values === 'string') return refuse(draft, site.node, values);
  if (values === null) return;
  write(draft, site.node, site.operand, values, site.isTarget);
  if (site.unwritten !== null) draft.nodes.attribute(site.node, site.unwritten.drops, null);
}

function cutRange(draft: Draft, site: RangeSite): void {
  const range = newRange(site, draft.kept);
  if (typeof range === 'string') return refuse(draft, site.node, range);
  if (range === null) return;
  write(draft, site.node, site.starts, site.startValues.with(site.at, range.start), false);
  write(draft, site.node, site.ends, site.endValues.with(site.at, range.end), false);
}

function cutPicks(draft: Draft, site: PicksSite): void {
  const values = newPicks(site, draft.kept);
  if (typeof values === 'string') return refuse(draft, site.node, values);
  if (values !== null && site.isScalar)
    refuse(draft, site.node, 'what it takes lies at another place when channels go');
  if (values !== null) write(draft, site.node, site.operand, values, false);
}

/** Writes integers where a node has them: in an attribute, in the constant that it reads, or in a new one. */
function write(
  draft: Draft,
  node: OnnxNode,
  operand: IntegerOperand,
  values: readonly (number | null)[],
  isTarget: boolean,
): void {
  const { network, demands, nodes, computed, settled } = draft;
  if ('attribute' in operand) return nodes.attribute(node, operand.attribute, known(draft, node, values));
  const constant = network.constants.get(node.inputs[operand.input] ?? '');
  const { dtype, dims } = constant?.view.tensor ?? { dtype: 'int64' as const, dims: [] };
  const isStored = constant !== undefined && constant.via === null && (dtype === 'int64' || dtype === 'int32');
  if (isStored && (dims.length === 1 || constant.view.tensor.elements === values.length)) {
    const after = dims.length === 1 ? [values.length] : dims;
    const content = integerContent(after, known(draft, node, values), dtype);
    return demands.add(node, operand.input, { key: `${after.join()}: ${values.join()}`, dtype, content, cut: null });
  }
  // Casts on the way to sizes and positions are to int64.
  const own = dtype === 'int32' && constant?.isCast === false ? dtype : 'int64';
  const isComputed = constant === undefined && (node.inputs[operand.input] ?? '') !== '';
  if (isComputed) computed.push(node);
  if (isComputed && !settled) return;
  // One size that is not known until the model runs can be inferred by a Reshape.
  const open = values.filter((value) => value === null || value === -1).length;
  const written = isTarget && open === 1 ? values.map((value) => value ?? -1) : known(draft, node, values);
  give(draft, node, operand.input, written, own);
}

/** Gives a node integers of its own, whatever it read before. */
function give(draft: Draft, node: OnnxNode, input: number, values: readonly number[], dtype: DType): void {
  const name = draft.unusedName(node.inputs[input] || `${node.outputs[0]}_sizes`);
  draft.added.set(name, { ...integerContent([values.length], values, dtype), dtype });
  draft.nodes.inputs(node, input, name);
}

function rescale(draft: Draft, { node, input, value }: HeadScale, now: number): void {
  if (now === value) return;
  const before = node.inputs[input]!;
  const name = draft.unusedName(before);
  const { dtype, dims, read } = encoded(name, { ...draft.network.numbers(before)!, data: [now] })!;
  draft.added.set(name, { ...contentAtHand(dims, read().bytes), dtype });
  draft.nodes.inputs(node, input, name);
}

function known(draft: Draft, node: OnnxNode, values: readonly (number | null)[]): readonly number[] {
  if (values.every((value) => value !== null)) return values;
  throw cannotCut(
    draft.network,
    nodeName(node),
    `${operatorName(node)} has sizes that are known only when the model runs`,
  );
}

function refuse({ network }: Draft, node: OnnxNode, why: string): never {
  throw cannotCut(network, nodeName(node), `${operatorName(node)}: ${why}`);
}

/** A constant that is scaled along an axis on its way cannot be cut alone. */
function refuseRigid(draft: Draft, { tensors, added }: Settlement): void {
  const cuts = new Set([...tensors.values(), ...added.values()].map(({ cut }) => cut?.tensor));
  for (const site of draft.network.sites)
    if (site.kind === 'rigid' && cuts.has(site.view.tensor))
      refuse(draft, site.node, 'its scales follow channels that go');
}

function editsOf(draft: Draft, { tensors, added, inputs }: Settlement): ModelEdits {
  for (const [node, names] of inputs) for (const [input, name] of names) draft.nodes.inputs(node, input, name);
  for (const [name, { dtype, content }] of added) draft.added.set(name, { ...content, dtype });
  return {
    tensors: new Map([...tensors].map(([name, { content }]) => [name, content])),
    added: draft.added,
    nodes: draft.nodes.all,
    shapes: newShapes(draft, (name) => tensors.get(name) ?? draft.demands.of(name)),
    unstated: behindProducts(draft.network),
    dropped: unreadConstants(draft.network, draft.nodes.all),
  };
}

/** Sizes of a tensor after the cut, null for those that stay; null where none changes. */
function sizesOf(
  { network, kept }: Draft,
  demandOf: (name: string) => Demand | null,
  tensor: string,
): readonly (number | null)[] | null {
  const channels = network.tensors.get(tensor)?.channels ?? null;
  if (channels !== null && 'axes' in channels) return kept.sizes(tensor, channels);
  const constant = network.constants.get(tensor);
  const demand = constant === undefined ? null : demandOf(tensor);
  if (constant === undefined || demand === null) return null;
  return demand.cut === null ? demand.content.dims : viewDims(constant.view, demand.cut);
}

function newShapes(
  draft: Draft,
  demandOf: (name: string) => Demand | null,
): ReadonlyMap<string, readonly (number | null)[]> {
  const { graph } = draft.network.model;
  const shapes = new Map<string, readonly (number | null)[]>();
  for (const { name } of [...graph.inputs, ...graph.outputs, ...graph.valueInfo.values()]) {
    const sizes = sizesOf(draft, demandOf, name);
    if (sizes?.some((size) => size !== null)) shapes.set(name, sizes);
  }
  return shapes;
}

/** Tensors that no channels reach behind a product of matrices: they have an axis of heads, and those may go. */
function behindProducts({ nodes, tensors, layers }: Network): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { inputs, outputs } of nodes)
    for (const name of outputs) {
      const tensor = tensors.get(name);
      if (tensor === undefined || tensor.channels !== null) continue;
      const { sort, weight } = layers[tensor.layer]!;
      const isProduct = sort === 'matrix-product' && weight === null;
      if (isProduct || inputs.some((input) => found.has(input))) found.add(name);
    }
  return found;
}

function integerContent(dims: readonly number[], values: readonly number[], dtype: DType): TensorContent {
  const data = dtype === 'int32' ? Int32Array.from(values) : BigInt64Array.from(values, BigInt);
  return contentAtHand(dims, new Uint8Array(data.buffer));
}
