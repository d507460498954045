import { createRequire } from 'node:module';
import { create } from '@bufbuild/protobuf';
import type { InferenceSession, Tensor, TensorConstructor } from 'onnxruntime-node';
import { ValueInfoProtoSchema } from '../onnx/onnx_pb.generated.js';
import type { Model } from './model.ts';

interface Runtime {
  readonly InferenceSession: { create(bytes: Uint8Array, options: object): Promise<InferenceSession> };
  readonly Tensor: TensorConstructor;
}

const runtime = createRequire(import.meta.url)('onnxruntime-node') as Runtime;

const QUIET = { graphOptimizationLevel: 'disabled', intraOpNumThreads: 1, logSeverityLevel: 4 } as const;

/** What a model computes on two inputs, by output name; null where the runtime cannot load or run it. */
export type Results = readonly ReadonlyMap<string, Float32Array>[] | null;

/** How two models compare. Between the bounds rounding and a change of the function cannot be told apart. */
export type Sameness = 'same' | 'different' | 'unclear';

/** Differences relative to an output's largest value: what rounding reaches, and what it never does. */
const [ROUNDING, CHANGE] = [1e-5, 1e-4];

export async function resultsOf(model: Model): Promise<Results> {
  try {
    const session = await runtime.InferenceSession.create(model.bytes(), QUIET);
    try {
      const results: ReadonlyMap<string, Float32Array>[] = [];
      for (const seed of [1, 2]) results.push(floatsIn(await session.run(feedsOf(model, session, seed))));
      return results;
    } finally {
      await session.release();
    }
  } catch {
    return null;
  }
}

/** Inputs of a model: numbers that look like a picture's, the same for every model with the same sizes. */
function feedsOf(model: Model, session: InferenceSession, seed: number): Record<string, Tensor> {
  return Object.fromEntries(
    session.inputNames.map((name, at) => {
      const dims = (model.shape(name) ?? []).map((size) => size ?? 1);
      const elements = dims.reduce((n, size) => n * size, 1);
      const values = Float32Array.from(
        { length: elements },
        (_, k) => 2 * Math.sin((k + 1) * 12.9898 * seed + at) + Math.cos(k * 0.37 * seed),
      );
      return [name, new runtime.Tensor('float32', values, dims)];
    }),
  );
}

function floatsIn(outputs: Readonly<Record<string, Tensor>>): ReadonlyMap<string, Float32Array> {
  return new Map(
    Object.entries(outputs).flatMap(([name, { data }]) =>
      data instanceof Float32Array ? [[name, data] as const] : [],
    ),
  );
}

/** Compares by output name where both have the same, else by place. */
export function sameness(before: Results, after: Results): Sameness {
  if (before === null || after === null) return 'unclear';
  let largest = 0;
  for (const [k, outputs] of before.entries()) {
    const others = [...after[k]!.values()];
    if (others.length !== outputs.size) return 'different';
    for (const [place, [name, values]] of [...outputs].entries()) {
      const other = after[k]!.get(name) ?? others[place]!;
      if (other.length !== values.length) return 'different';
      const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const far = values.reduce((most, value, n) => Math.max(most, Math.abs(value - other[n]!)), 0);
      if (Number.isNaN(far)) return 'unclear';
      largest = Math.max(largest, scale === 0 ? (far === 0 ? 0 : 1) : far / scale);
    }
  }
  return largest <= ROUNDING ? 'same' : largest > CHANGE ? 'different' : 'unclear';
}

/** Sizes of all that a model computes from one sample; none where the runtime cannot run it. */
export async function sizesOf(model: Model): Promise<ReadonlyMap<string, readonly number[]>> {
  const inside = model.copy();
  const known = new Set(inside.graph.output.map(({ name }) => name));
  for (const name of inside.nodes.flatMap(({ output }) => output.slice(0, 1)))
    if (!known.has(name)) inside.graph.output.push(create(ValueInfoProtoSchema, { name }));
  try {
    const session = await runtime.InferenceSession.create(inside.bytes(), QUIET);
    const outputs = await session.run(feedsOf(model, session, 1));
    await session.release();
    return new Map(Object.entries(outputs).map(([name, { dims }]) => [name, dims]));
  } catch {
    return new Map();
  }
}
