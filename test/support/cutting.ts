import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, expect } from 'vitest';
import { maskOf } from '../../src/execution/mask.ts';
import { writeMasked } from '../../src/execution/model-copies.ts';
import { type WrittenModel, writeModel as writeFile } from '../../src/files/index.ts';
import type { Network } from '../../src/network/index.ts';
import { recoverRetention } from '../../src/recovery/index.ts';
import { type Cut, type CutModel, writeCut } from '../../src/surgery/index.ts';
import { type GraphProto, ModelProtoSchema } from '../onnx/onnx_pb.generated.js';
import { refusal } from '../onnx/support.ts';
import { networkOf } from './golden.ts';
import { type Graph, op, writeModel } from './onnx-builder.ts';

const work = mkdtempSync(join(tmpdir(), 'prunegate-surgery-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));
let written = 0;

export type Retained = Readonly<Record<string, readonly number[]>>;

/** Cuts a network into a file. */
export function writeCutTo(
  path: string,
  dense: Network,
  cut: Cut,
  metadata: ReadonlyMap<string, string> = new Map(),
): CutModel<WrittenModel> {
  return writeCut(dense, cut, metadata, (edits, accept) => writeFile(dense.model, edits, path, accept));
}

export interface CutGraph extends CutModel<WrittenModel> {
  readonly dense: Network;
  readonly cut: Network;
  readonly graph: GraphProto;
}

/** A graph cut by the given filters of its layers; those that are not named stay whole. */
export function cutGraph(graph: Graph, retained: Retained, path = join(work, `${written++}.onnx`)): CutGraph {
  const dense = networkOf(writeModel(graph));
  const model = writeCutTo(path, dense, { retained: (layer) => retained[layer] ?? null, asPruner: null });
  const decoded = fromBinary(ModelProtoSchema, readFileSync(path));
  return { ...model, dense, cut: networkOf(path), graph: decoded.graph! };
}

/** Why a graph cannot be cut so; nothing may be left behind. */
export function refusedCut(graph: Graph, retained: Retained): string {
  const folder = join(work, `refused-${written++}`);
  const message = refusal(() => cutGraph(graph, retained, join(folder, 'cut.onnx')));
  expect(existsSync(folder) ? readdirSync(folder) : []).toEqual([]);
  return message.replace(/^\S+\.onnx: /, '');
}

/** Small whole numbers, so that sums are exact in whatever order they are taken; no two filters are alike. */
export function whole(count: number, seed = 1): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return ((state >> 16) % 15) - 7;
  });
}

/** Initializers of whole numbers, by name and dims. */
export function weights(shapes: Readonly<Record<string, readonly number[]>>) {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, dims], k) => {
      const values = whole(
        dims.reduce((n, d) => n * d, 1),
        k + 1,
      );
      return [name, { dataType: 1, dims: dims.map(BigInt), rawData: new Uint8Array(values.buffer) }];
    }),
  );
}

/**
 * Cuts a graph and runs it in onnxruntime beside the dense one whose cut channels nobody hears: outputs must be the same, and
 * what is recovered from the cut model must be what was asked for.
 * @param sizes of symbolic dimensions of inputs
 */
export async function cutAndRun(
  graph: Graph,
  retained: Retained,
  sizes: Readonly<Record<string, number>> = {},
): Promise<CutGraph> {
  const made = cutGraph(graph, retained);
  const recovery = recoverRetention(made.dense, made.cut);
  for (const [layer, filters] of Object.entries(retained))
    expect(recovery.layers.get(layer), layer).toMatchObject({ actual: filters, disagreements: [] });
  const masked = writeMasked(made.dense.model, maskOf(made.dense, recovery), join(work, `${written++}.onnx`));
  const inputs = Object.fromEntries(
    Object.entries(graph.inputs ?? {}).map(([name, shape], k) => {
      const dims = (shape ?? []).map((size) => (typeof size === 'number' ? size : (sizes[size] ?? 2)));
      const values = whole(
        dims.reduce((n, d) => n * d, 1),
        k + 77,
      );
      return [name, new Tensor('float32', values, dims)];
    }),
  );
  expect(await run(made.written.path, inputs)).toEqual(await run(masked, inputs));
  return made;
}

/** What a model computes of small whole numbers. */
export async function resultsOf(path: string): Promise<readonly (readonly number[])[]> {
  const { graph } = networkOf(path).model;
  const feeds = graph.inputs.map(({ name, dtype, shape }, k) => {
    const dims = (shape ?? []).map((size) => (typeof size === 'number' ? size : 1));
    const values = whole(
      dims.reduce((n, d) => n * d, 1),
      k + 77,
    );
    const data = dtype === 'int64' ? BigInt64Array.from(values, (value) => BigInt(value + 7)) : values;
    return [name, new Tensor(dtype === 'int64' ? 'int64' : 'float32', data, dims)] as const;
  });
  return Object.values(await run(path, Object.fromEntries(feeds))).map(({ data }) => data);
}

async function run(path: string, inputs: Record<string, Tensor>) {
  const session = await InferenceSession.create(path, { logSeverityLevel: 3 });
  const results = await session.run(inputs);
  await session.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, { dims, data }]) => [name, { dims, data: [...(data as Float32Array)] }]),
  );
}

/** Elements of an initializer of a cut graph. */
export function numbers({ cut }: CutGraph, name: string): readonly (number | bigint)[] {
  const tensor = cut.model.graph.initializers.get(name);
  if (tensor === undefined) throw new Error(`there is no ${name}`);
  const { bytes, dtype } = tensor.read();
  return dtype === 'int64'
    ? [...new BigInt64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8)]
    : [...new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)];
}

/** A convolution of 6 filters, what is done with them, and a convolution that reads the result under the name `y`. */
export function between(
  nodes: Graph['nodes'],
  shapes: Readonly<Record<string, readonly number[]>>,
  more: Partial<Graph> = {},
): Graph {
  return {
    inputs: { x: ['N', 3, 4, 4] },
    nodes: [op('Conv', ['x', 'aw', 'ab'], 'a', { name: 'm/a/Conv2D' }), ...nodes],
    outputs: ['z'],
    ...more,
    weights: { ...weights({ aw: [6, 3, 1, 1], ab: [6], ...shapes }), ...more.weights },
  };
}

export const last = op('Conv', ['y', 'ow'], 'z', { name: 'm/out/Conv2D' });
export const denseLast = op('MatMul', ['y', 'ow'], 'z', { name: 'm/out/MatMul' });
