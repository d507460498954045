import { type HeadsSite, makersIn, type Network, type NetworkNode } from '../network/index.ts';
import { type DType, isFloat, type OnnxNode, unitOf } from '../onnx/index.ts';
import type { HeadScale, KeptChannels } from './kept.ts';

/** So many nodes lie between a product and what scales its operands or its result, transposes and casts with them. */
const NEAR = 3;

/** 1 / sqrt(channels of a head), once or for queries and keys each, multiplied or divided by. */
const POWERS = [-1 / 2, -1 / 4, 1 / 4, 1 / 2];

/** Relative difference that arithmetic in float32 leaves; narrower types round to more. */
const ROUNDING = 1e-5;

/** Numbers that exporters wrote down, where the model may have computed them from the size of a head that changes now. */
export function headScales(network: Network, kept: KeptChannels): readonly HeadScale[] {
  const found = new Map<OnnxNode, HeadScale>();
  for (const [product, { site, numbers }] of scoreProducts(network).entries()) {
    const sizes = headSizes(site, kept);
    if (sizes === null) continue;
    for (const number of numbers) {
      const power = POWERS.find((one) => isRounded(number, sizes.before ** one));
      if (power === undefined) continue;
      const { node, input, value } = number;
      found.set(node, { node, input, value, anew: sizes.after ** power, ...sizes, product });
    }
  }
  return [...found.values()];
}

/** Tells whether a product of queries and keys, counted in graph order, has operands or a result that are multiplied or divided by a number. */
export function scalesOf(network: Network): (product: number, by: number) => boolean {
  const products = scoreProducts(network);
  return (product, by) => products[product]?.numbers.some((number) => isRounded(number, by)) === true;
}

function isRounded({ value, dtype }: Written, from: number): boolean {
  return Math.abs(value / from - 1) <= Math.max(ROUNDING, unitOf(dtype));
}

interface ScoreProduct {
  readonly site: HeadsSite;
  readonly numbers: readonly Written[];
}

function scoreProducts(network: Network): readonly ScoreProduct[] {
  const sites = network.sites.filter((site) => site.kind === 'heads').filter(({ operands }) => operands.length > 1);
  if (sites.length === 0) return [];
  const numbersAt = numbersAround(network);
  return sites.map((site) => ({ site, numbers: numbersAt(site.node) }));
}

/** How many channels meet in a product of queries and keys, before and after; null where none go. */
function headSizes(
  { operands }: HeadsSite,
  kept: KeptChannels,
): { readonly before: number; readonly after: number } | null {
  const [map] = operands;
  const axis = map!.axes.at(-1)!;
  const before = map!.shape[axis];
  const after = kept.sizes('', map!)[axis];
  return typeof before === 'number' && typeof after === 'number' ? { before, after } : null;
}

/** A number that a node reads. */
interface Written {
  readonly node: OnnxNode;
  readonly input: number;
  readonly value: number;
  readonly dtype: DType;
}

function numbersAround(network: Network): (product: OnnxNode) => readonly Written[] {
  const { nodes, readers } = network;
  const makers = makersIn(network);
  const handles = new Map(nodes.map((node) => [node.handle, node]));
  const above = ({ inputs }: NetworkNode) => inputs.flatMap((name) => makers.get(name) ?? []);
  const below = ({ outputs }: NetworkNode) =>
    outputs.flatMap((name) =>
      (readers.get(name) ?? []).flatMap((reader) => (reader === null ? [] : (handles.get(reader.node) ?? []))),
    );
  return (product) => {
    const start = handles.get(product)!;
    const near = new Set([...nodesOn(above, start), ...nodesOn(below, start)]);
    return [...near].flatMap((node) => numberOf(network, node) ?? []);
  };
}

/** Nodes that are a few steps from one, each once: in a few steps there may be very many ways. */
function nodesOn(next: (node: NetworkNode) => readonly NetworkNode[], start: NetworkNode): ReadonlySet<NetworkNode> {
  const found = new Set<NetworkNode>();
  let at: ReadonlySet<NetworkNode> = new Set([start]);
  for (let step = 0; step < NEAR; step++) {
    at = new Set([...at].flatMap(next));
    for (const node of at) found.add(node);
  }
  return found;
}

/** The one floating-point number that a node computes with, where the graph does not compute it from sizes: then it follows them. */
function numberOf(network: Network, { handle, inputs }: NetworkNode): Written | null {
  if (inputs.length !== 2) return null;
  const input = inputs.findIndex((name) => network.numbers(name)?.data.length === 1);
  const name = inputs[input] ?? '';
  const { dtype, data } = network.numbers(name) ?? { dtype: 'undefined' as const, data: [] };
  const [value] = data;
  const isWritten = isFloat(dtype) && typeof value === 'number' && !network.isSized(name);
  return isWritten ? { node: handle, input, value, dtype } : null;
}
