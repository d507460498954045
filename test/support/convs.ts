import { type Network, readNetwork, type Weight } from '../../src/network/index.ts';
import { inlineTensor, memoryModel, readModel } from '../../src/onnx/index.ts';
import type { Recovery } from '../../src/recovery/index.ts';
import { float32, type Graph, modelBytes, op } from './onnx-builder.ts';

/** A kernel as rows of columns of values, one value a column. */
export type Rows = readonly (readonly number[])[];

/** Numbers that look like trained weights, and always the same. */
export function weights(count: number, seed: number): readonly number[] {
  return Array.from({ length: count }, (_, k) => Math.fround(Math.sin((k + 1) * (seed + 1) * 1.7) * 0.8 + 0.01 * k));
}

export function rows(count: number, columns: number, seed: number): Rows {
  const all = weights(count * columns, seed);
  return Array.from({ length: count }, (_, row) => all.slice(row * columns, (row + 1) * columns));
}

export function cutRows(kernel: Rows, kept: readonly number[], columns: readonly number[] | null): Rows {
  return kept.map((row) => (columns === null ? kernel[row]! : columns.map((column) => kernel[row]![column]!)));
}

/** A 1 x 1 convolution's weight. */
export function pointwise(kernel: Rows): ReturnType<typeof float32> {
  return { ...float32(kernel.flat()), dims: [kernel.length, kernel[0]!.length, 1, 1].map(BigInt) };
}

/** A kernel that lies as (out, in, window), or as a MatMul's (in, out); without elements. */
export function kernelWeight(rows: number, columns: number, window: number, isMatMul: boolean): Weight {
  return {
    tensor: inlineTensor('w', 'float32', [rows * columns * window], new Uint8Array(0)),
    outCount: rows,
    outStride: isMatMul ? 1 : columns * window,
    inCount: columns,
    inStride: isMatMul ? rows : window,
    kernelOffsets: Int32Array.from({ length: window }, (_, k) => k),
    rowScale: null,
  };
}

export interface ConvInit {
  readonly name: string;
  readonly from: string;
  readonly kernel: Rows;
  readonly bias?: readonly number[];
  readonly group?: number;
}

/** Convolutions of 1 x 1 under their names, with what else is given between them. */
export function convs(all: readonly ConvInit[], others: Partial<Graph> & { readonly channels?: number } = {}): Graph {
  const { channels = 2, ...graph } = others;
  const weightsOf = all.flatMap(({ name, kernel, bias }) => [
    [`${name}.weight`, pointwise(kernel)] as const,
    ...(bias === undefined ? [] : [[`${name}.bias`, float32(bias)] as const]),
  ]);
  const nodes = all.map(({ name, from, bias, group }) =>
    op('Conv', [from, `${name}.weight`, ...(bias === undefined ? [] : [`${name}.bias`])], name, {
      name,
      ...(group === undefined ? {} : { group }),
    }),
  );
  return {
    inputs: { x: [1, channels, 4, 4] },
    outputs: [all.at(-1)!.name],
    ...graph,
    weights: { ...Object.fromEntries(weightsOf), ...graph.weights },
    nodes: sorted([...nodes, ...(graph.nodes ?? [])]),
  };
}

/** Nodes in an order in which each stands behind those that it reads. */
function sorted(nodes: Graph['nodes']): Graph['nodes'] {
  const left = [...nodes];
  const done: Graph['nodes'][number][] = [];
  const open = new Set(nodes.flatMap(({ output }) => output ?? []));
  while (left.length > 0) {
    const at = left.findIndex(({ input }) => !(input ?? []).some((name) => open.has(name)));
    const [node] = left.splice(at, 1);
    for (const name of node!.output ?? []) open.delete(name);
    done.push(node!);
  }
  return done;
}

export function network(...parts: Parameters<typeof convs>): Network {
  return inMemory(convs(...parts));
}

/** What each layer keeps, and everything that does not fit. */
export function kept({ layers, elsewhere, open, extra }: Recovery): unknown {
  return {
    actual: Object.fromEntries([...layers].map(([name, { actual }]) => [name, actual])),
    wrong: [...[...layers.values()].flatMap(({ disagreements }) => disagreements), ...elsewhere].map(
      ({ tensor, detail }) => `${tensor}: ${detail}`,
    ),
    open: [...[...layers.values()].flatMap((layer) => layer.open), ...open].map(
      ({ tensor, detail }) => `${tensor}: ${detail}`,
    ),
    extra,
  };
}

/** The network of a graph whose bytes stay readable. */
export function inMemory(graph: Graph): Network {
  return readNetwork(readModel(memoryModel('model.onnx', modelBytes(graph))));
}
