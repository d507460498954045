import type { HeadsSite, Network, NetworkNode } from '../network/index.ts';
import type { OnnxNode } from '../onnx/index.ts';
import type { HeadScale, KeptChannels } from './kept.ts';

/** So many nodes lie between a product and what scales its operands or its result, transposes and casts with them. */
const NEAR = 3;

/** 1 / sqrt(channels of a head), once or for queries and keys each, multiplied or divided by. */
const POWERS = [-1 / 2, -1 / 4, 1 / 4, 1 / 2];

/** Numbers that exporters wrote down, where the model may have computed them from the size of a head that changes now. */
export function headScales(network: Network, kept: KeptChannels): readonly HeadScale[] {
  const found = new Map<OnnxNode, HeadScale>();
  const products = scoreProducts(network);
  const near = products.length === 0 ? () => [] : numbersAround(network);
  for (const [product, site] of products.entries()) {
    const sizes = headSizes(site, kept);
    if (sizes === null) continue;
    for (const { node, input, value } of near(site.node)) {
      const power = POWERS.find((one) => Math.abs(value / sizes.before ** one - 1) < 1e-6);
      if (power !== undefined) found.set(node, { node, input, value, anew: sizes.after ** power, ...sizes, product });
    }
  }
  return [...found.values()];
}

/** For each product of queries and keys, in graph order, the numbers that its operands and its result are multiplied or divided by. */
export function scalingNumbers(network: Network): readonly (readonly number[])[] {
  const products = scoreProducts(network);
  const near = products.length === 0 ? () => [] : numbersAround(network);
  return products.map(({ node }) => near(node).map(({ value }) => value));
}

function scoreProducts({ sites }: Network): readonly HeadsSite[] {
  return sites.filter((site) => site.kind === 'heads').filter(({ operands }) => operands.length > 1);
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

type Number = Pick<HeadScale, 'node' | 'input' | 'value'>;

function numbersAround(network: Network): (product: OnnxNode) => readonly Number[] {
  const makers = new Map(network.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const handles = new Map(network.nodes.map((node) => [node.handle, node]));
  const readersOf = ({ outputs }: NetworkNode): readonly NetworkNode[] =>
    outputs.flatMap((name) =>
      (network.readers.get(name) ?? []).flatMap((reader) => (reader === null ? [] : (handles.get(reader.node) ?? []))),
    );
  const makersOf = ({ inputs }: NetworkNode): readonly NetworkNode[] =>
    inputs.flatMap((name) => makers.get(name) ?? []);
  return (product) => {
    const start = handles.get(product)!;
    let [above, below] = [makersOf(start), readersOf(start)];
    const near: NetworkNode[] = [];
    for (let step = 0; step < NEAR; step++) {
      near.push(...above, ...below);
      [above, below] = [above.flatMap(makersOf), below.flatMap(readersOf)];
    }
    return near.flatMap((node) => numberOf(network, node) ?? []);
  };
}

/** The one number that a node computes with, where the graph does not compute it from sizes: then it follows them. */
function numberOf(network: Network, { handle, inputs }: NetworkNode): Number | null {
  if (inputs.length !== 2) return null;
  const input = inputs.findIndex((name) => network.numbers(name)?.data.length === 1);
  const value = network.numbers(inputs[input] ?? '')?.data[0];
  const isWritten = typeof value === 'number' && !network.isSized(inputs[input]!);
  return isWritten ? { node: handle, input, value } : null;
}
