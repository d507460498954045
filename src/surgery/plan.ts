import type { Anatomy, IntegerOperand, KernelSite, RangeSite, VectorSite } from '../network/index.ts';
import type { DType, ModelEdits, NewTensor, OnnxNode, TensorContent } from '../onnx/index.ts';
import { contentOf as contentAtHand } from '../onnx/index.ts';
import { cutKey, type Demand, demandsOf, namer, nodeEdits } from './demands.ts';
import { newPicks, newRange, newSizes } from './integers.ts';
import { cannotCut, type KeptChannels, ownerOf, type PrunerFaults } from './kept.ts';
import { kernelCut, vectorCut } from './operands.ts';
import { contentOf, type TensorCut, viewDims } from './tensor-cut.ts';

/** How a model file changes when channels are cut. */
export interface CutPlan {
  readonly edits: ModelEdits;
  /** Nodes whose integers are computed in the graph, and may come out right by themselves. */
  readonly computed: readonly OnnxNode[];
  /** Nodes that compute another thing than with zeros in the place of the channels that go. */
  readonly mixing: readonly OnnxNode[];
}

/**
 * @param settled whether integers that the graph computes are replaced by constants
 * @throws InputError for what cannot be cut
 */
export function planCut(anatomy: Anatomy, kept: KeptChannels, faults: PrunerFaults | null, settled: boolean): CutPlan {
  const { network, sites } = anatomy;
  const { graph, buffer } = network.model;
  const unusedName = namer(graph);
  const demands = demandsOf(anatomy, unusedName);
  const nodes = nodeEdits();
  const added = new Map<string, NewTensor>();
  const computed: OnnxNode[] = [];
  const mixing: OnnxNode[] = [];

  const addCut = ({ node, input }: KernelSite | VectorSite, cut: TensorCut): void => {
    demands.add(node, input, { key: cutKey(cut), dtype: cut.tensor.dtype, content: contentOf(buffer, cut), cut });
  };
  /** Gives a node integers of its own, whatever it read before. */
  const give = (node: OnnxNode, input: number, values: readonly number[], dtype: DType): void => {
    const name = unusedName(node.inputs[input] || `${node.outputs[0]}_sizes`);
    added.set(name, { ...integerContent([values.length], values, dtype), dtype });
    nodes.inputs(node, input, name);
  };
  const write = (
    node: OnnxNode,
    operand: IntegerOperand,
    values: readonly (number | null)[],
    isTarget: boolean,
  ): void => {
    if ('attribute' in operand) return nodes.attribute(node, operand.attribute, known(node, values));
    const constant = anatomy.constants.get(node.inputs[operand.input] ?? '');
    const { dtype, dims } = constant?.view.tensor ?? { dtype: 'int64' as const, dims: [] };
    const isStored = constant !== undefined && constant.via === null && (dtype === 'int64' || dtype === 'int32');
    if (isStored && (dims.length === 1 || constant.view.tensor.elements === values.length)) {
      const after = dims.length === 1 ? [values.length] : dims;
      const content = integerContent(after, known(node, values), dtype);
      return demands.add(node, operand.input, { key: `${after.join()}: ${values.join()}`, dtype, content, cut: null });
    }
    // Casts on the way to sizes and positions are to int64.
    const own = dtype === 'int32' && constant?.isCast === false ? dtype : 'int64';
    const isComputed = constant === undefined && (node.inputs[operand.input] ?? '') !== '';
    if (isComputed) computed.push(node);
    if (isComputed && !settled) return;
    // One size that is not known until the model runs can be inferred by a Reshape.
    const open = values.filter((value) => value === null || value === -1).length;
    give(node, operand.input, isTarget && open === 1 ? values.map((value) => value ?? -1) : known(node, values), own);
  };
  const known = (node: OnnxNode, values: readonly (number | null)[]): readonly number[] => {
    if (values.every((value) => value !== null)) return values;
    throw cannotCut(network, nameOf(node), `${node.opType} has sizes that are known only when the model runs`);
  };
  const refuse = (node: OnnxNode, why: string): never => {
    throw cannotCut(network, nameOf(node), `${node.opType}: ${why}`);
  };

  for (const [name, { channels }] of network.tensors)
    if (channels !== null && 'axes' in channels) kept.sizes(name, channels);
  for (const site of sites) {
    switch (site.kind) {
      case 'kernel': {
        const { cut, groups } = kernelCut(anatomy, site, kept, faults);
        addCut(site, cut);
        if (site.groupAttribute !== null && groups !== network.layers[site.layer]!.groups)
          nodes.attribute(site.node, site.groupAttribute, groups);
        break;
      }
      case 'vector':
        addCut(site, vectorCut(anatomy, site, kept));
        break;
      case 'whole': {
        const gone = site.channels.find((id) => !kept.has(id));
        if (gone !== undefined)
          refuse(site.node, `${site.op} cannot be cut, and channels of ${ownerOf(network, gone)} reach it`);
        break;
      }
      case 'mix':
        if (kept.positions(site.channels) !== null) mixing.push(site.node);
        break;
    }
  }
  const sizeOf = (tensor: string, axis: number): number | null =>
    sizesOf(anatomy, kept, demands.of, tensor)?.[axis] ?? null;
  for (const site of sites) {
    switch (site.kind) {
      case 'sizes': {
        const values = newSizes(site, kept, sizeOf);
        if (typeof values === 'string') refuse(site.node, values);
        else if (values !== null) {
          write(site.node, site.operand, values, site.isTarget);
          if (site.unwritten !== null) nodes.attribute(site.node, site.unwritten.drops, null);
        }
        break;
      }
      case 'range':
        writeRange(site);
        break;
      case 'picks': {
        const values = newPicks(site, kept);
        if (typeof values === 'string') refuse(site.node, values);
        else if (values !== null) write(site.node, site.operand, values, false);
        break;
      }
    }
  }

  function writeRange(site: RangeSite): void {
    const range = newRange(site, kept);
    if (typeof range === 'string') refuse(site.node, range);
    else if (range !== null) {
      write(site.node, site.starts, site.startValues.with(site.at, range.start), false);
      write(site.node, site.ends, site.endValues.with(site.at, range.end), false);
    }
  }

  const settlement = demands.settle();
  for (const [node, inputs] of settlement.inputs) for (const [input, name] of inputs) nodes.inputs(node, input, name);
  for (const [name, { dtype, content }] of settlement.added) added.set(name, { ...content, dtype });
  for (const site of sites) {
    if (site.kind !== 'rigid') continue;
    const isCut = [...settlement.tensors.values(), ...settlement.added.values()].some(
      ({ cut }) => cut?.tensor === site.view.tensor,
    );
    if (isCut) refuse(site.node, 'its scales follow channels that go');
  }
  return {
    edits: {
      tensors: new Map([...settlement.tensors].map(([name, { content }]) => [name, content])),
      added,
      nodes: nodes.all,
      shapes: newShapes(anatomy, kept, (name) => settlement.tensors.get(name) ?? demands.of(name)),
    },
    computed,
    mixing,
  };
}

function nameOf(node: OnnxNode): string {
  return node.name || node.outputs[0] || node.opType;
}

/** Sizes of a tensor after the cut, null for those that stay; null where none changes. */
function sizesOf(
  { network, constants }: Anatomy,
  kept: KeptChannels,
  demandOf: (name: string) => Demand | null,
  tensor: string,
): readonly (number | null)[] | null {
  const channels = network.tensors.get(tensor)?.channels ?? null;
  if (channels !== null && 'axes' in channels) return kept.sizes(tensor, channels);
  const constant = constants.get(tensor);
  const demand = constant === undefined ? null : demandOf(tensor);
  if (constant === undefined || demand === null) return null;
  return demand.cut === null ? demand.content.dims : viewDims(constant.view, demand.cut);
}

function newShapes(
  anatomy: Anatomy,
  kept: KeptChannels,
  demandOf: (name: string) => Demand | null,
): ReadonlyMap<string, readonly (number | null)[]> {
  const { graph } = anatomy.network.model;
  const shapes = new Map<string, readonly (number | null)[]>();
  for (const name of [...graph.inputs, ...graph.outputs, ...graph.valueInfo.values()].map((info) => info.name)) {
    const sizes = sizesOf(anatomy, kept, demandOf, name);
    if (sizes?.some((size) => size !== null)) shapes.set(name, sizes);
  }
  return shapes;
}

function integerContent(dims: readonly number[], values: readonly number[], dtype: DType): TensorContent {
  const data = dtype === 'int32' ? Int32Array.from(values) : BigInt64Array.from(values, BigInt);
  return contentAtHand(dims, new Uint8Array(data.buffer));
}
