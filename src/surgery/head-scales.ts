import type { HeadsSite, Network } from '../network/index.ts';
import type { OnnxNode } from '../onnx/index.ts';
import type { KeptChannels } from './kept.ts';

/** A number by which an attention scales its scores, written for heads of so many channels as they had. */
export interface HeadScale {
  readonly node: OnnxNode;
  readonly value: number;
  readonly before: number;
  readonly after: number;
}

/** So many nodes lie between a product and what scales its operands or its result, transposes and casts with them. */
const NEAR = 3;

/** 1 / sqrt(channels of a head), once or for queries and keys each, multiplied or divided by. */
const POWERS = [-1 / 2, -1 / 4, 1 / 4, 1 / 2];

/** Numbers that exporters wrote down, where the model may have computed them from the size of a head that changes now. */
export function headScales(network: Network, kept: KeptChannels): readonly HeadScale[] {
  const makers = new Map(network.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const handles = new Map(network.nodes.map((node) => [node.handle, node]));
  const found = new Map<OnnxNode, HeadScale>();
  for (const site of network.sites) {
    if (site.kind !== 'heads') continue;
    const sizes = headSizes(site, kept);
    const start = handles.get(site.node);
    if (sizes === null || start === undefined) continue;
    const behind = (names: readonly string[]): readonly OnnxNode[] =>
      names.flatMap((name) =>
        (network.readers.get(name) ?? []).flatMap((reader) => (reader === null ? [] : [reader.node])),
      );
    let [above, below]: [readonly string[], readonly OnnxNode[]] = [start.inputs, behind(start.outputs)];
    for (let step = 0; step < NEAR; step++) {
      const nodes = above.flatMap((name) => makers.get(name) ?? []);
      for (const node of [...nodes.map(({ handle }) => handle), ...below]) {
        const value = scalarOf(network, node);
        if (value !== null && POWERS.some((power) => Math.abs(value / sizes.before ** power - 1) < 1e-6))
          found.set(node, { node, value, ...sizes });
      }
      above = nodes.flatMap(({ inputs }) => inputs);
      below = behind(below.flatMap(({ outputs }) => outputs));
    }
  }
  return [...found.values()];
}

/** How many channels meet in a product of queries and keys, before and after; null where none go. */
function headSizes(
  { operands }: HeadsSite,
  kept: KeptChannels,
): { readonly before: number; readonly after: number } | null {
  const [map] = operands;
  if (operands.length < 2 || map === undefined) return null;
  const axis = map.axes.at(-1)!;
  const before = map.shape[axis];
  const after = kept.sizes('', map)[axis];
  return typeof before === 'number' && typeof after === 'number' ? { before, after } : null;
}

/** The one number that a node computes with, where the graph does not compute it from sizes: then it follows them. */
function scalarOf(network: Network, { inputs }: OnnxNode): number | null {
  const numbers = inputs.flatMap((name) => (network.isSized(name) ? [] : [...(network.numbers(name)?.data ?? [])]));
  const [number] = numbers;
  return inputs.length === 2 && numbers.length === 1 && typeof number === 'number' ? number : null;
}
