import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors/input-error.ts';
import { openModel } from '../../src/files/index.ts';
import { FIXED_CHANNEL, type Network, readNetwork } from '../../src/network/index.ts';
import { writeCutTo } from '../support/cutting.ts';
import { modelBytes, writeModel } from '../support/onnx-builder.ts';
import { type Grown, grow } from '../support/random-graph.ts';

const work = mkdtempSync(join(tmpdir(), 'prunegate-cuts-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

type Next = (limit: number) => number;

/** Small whole numbers, whose sums are exact in whatever order they are taken. */
function noise(count: number, next: Next): Float32Array {
  return Float32Array.from({ length: count }, () => next(5) - 2);
}

/** Random filters to keep of each layer, all alike where channels are tied. */
function retainedBy(network: Network, next: Next): ReadonlyMap<string, readonly number[]> {
  const parent = new Map<number, number>();
  const root = (id: number): number => {
    const up = parent.get(id);
    return up === undefined || up === id ? id : root(up);
  };
  for (const { operands } of network.couplings)
    for (const ids of operands) for (const [k, id] of ids.entries()) parent.set(root(id), root(operands[0]![k]!));
  const kept = new Map<number, boolean>([[root(FIXED_CHANNEL), true]]);
  const stays = (id: number): boolean => {
    const known = kept.get(root(id)) ?? next(3) > 0;
    kept.set(root(id), known);
    return known;
  };
  for (const layer of network.prunable.values()) kept.set(root(layer.firstChannel + next(layer.filters)), true);
  return new Map(
    [...network.prunable.values()].map(({ name, firstChannel, filters }) => [
      name,
      Array.from({ length: filters }, (_, k) => k).filter((k) => name === 'out' || stays(firstChannel + k)),
    ]),
  );
}

/** The same graph with weights, and with the silent columns of the last layer at zero. */
function filled({ graph }: Grown, values: ReadonlyMap<string, Float32Array>, isSilent: (column: number) => boolean) {
  const weights = Object.entries(graph.weights).map(([name, tensor]) => {
    const data = values.get(name)?.slice();
    if (data === undefined) return [name, tensor] as const;
    // The last layer is a convolution [2, columns, 1, 1] or a MatMul [columns, 2].
    const columnOf = (n: number): number => (tensor.dims!.length === 4 ? n % (data.length / 2) : n >> 1);
    if (name === 'ow') for (let n = 0; n < data.length; n++) if (isSilent(columnOf(n))) data[n] = 0;
    return [name, { ...tensor, rawData: new Uint8Array(data.buffer) }] as const;
  });
  return { ...graph, weights: Object.fromEntries(weights) };
}

const product = (dims: readonly number[]): number => dims.reduce((n, size) => n * size, 1);

async function run(model: Uint8Array, input: Tensor): Promise<readonly number[]> {
  const session = await InferenceSession.create(model, { logSeverityLevel: 3 });
  const { y } = await session.run({ x: input });
  await session.release();
  return [...(y!.data as Float32Array)];
}

type Outcome = 'cut' | 'whole' | 'refused' | 'mixing';

/** Cuts one random network and runs it beside the dense one whose cut channels nobody hears. */
async function cutAtRandom(choices: readonly number[], symbolicBatch: boolean): Promise<Outcome> {
  const grown = grow(choices, symbolicBatch);
  let used = 0;
  const next: Next = (limit) => (choices[used++ % choices.length]! * 31 + used * 7) % limit;
  const values = new Map(
    ['aw', 'bw', 'ow'].map((name) => [name, noise(product(grown.graph.weights[name]!.dims!.map(Number)), next)]),
  );
  const file = openModel(writeModel(filled(grown, values, () => false)));
  const network = readNetwork(file.model);
  const retained = retainedBy(network, next);
  const path = join(work, 'cut.onnx');
  try {
    const cut = { retained: (layer: string) => retained.get(layer) ?? null, asPruner: null };
    const { mixing } = writeCutTo(path, network, cut);
    const dims = grown.graph.inputs.x.map((size) => (typeof size === 'number' ? size : 2));
    const input = new Tensor('float32', noise(product(dims), next), dims);
    const after = await run(readFileSync(path), input);
    if (mixing.length > 0) return 'mixing';
    const isCut = (channel: string): boolean =>
      /^[ab]\d+$/.test(channel) && !retained.get(channel[0]!)!.includes(Number(channel.slice(1)));
    const isSilent = (column: number): boolean => grown.truth[column]!.split('+').some(isCut);
    const before = await run(modelBytes(filled(grown, values, isSilent)), input);
    expectClose(after, before, grown.applied);
    const isWhole = [...retained].every(([name, { length }]) => length === network.prunable.get(name)!.filters);
    return isWhole ? 'whole' : 'cut';
  } catch (error) {
    if (error instanceof InputError) return 'refused';
    throw error;
  } finally {
    file.close();
  }
}

function expectClose(after: readonly number[], before: readonly number[], applied: readonly string[]): void {
  expect(after.length, applied.join(' ')).toBe(before.length);
  const scale = Math.max(1, ...before.map(Math.abs).filter(Number.isFinite));
  for (const [k, value] of before.entries()) {
    if (Object.is(value, after[k]) || Math.abs(value - after[k]!) <= 1e-5 * scale) continue;
    expect.fail(`element ${k}: ${value} before, ${after[k]} after (${applied.join(' ')})`);
  }
}

describe('random networks, cut at random', () => {
  const outcomes: Record<Outcome, number> = { cut: 0, whole: 0, refused: 0, mixing: 0 };
  for (const symbolicBatch of [false, true]) {
    it(`compute what they did with the same channels silent, with a ${symbolicBatch ? 'symbolic' : 'static'} batch`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat(1000), { minLength: 60, maxLength: 160 }), async (choices) => {
          outcomes[await cutAtRandom(choices, symbolicBatch)]++;
        }),
        { numRuns: Number(process.env['RUNS'] ?? 60), seed: Number(process.env['SEED'] ?? 20261), endOnFailure: true },
      );
    }, 600_000);
  }

  it('are often cut, not refused', () => {
    expect(outcomes.cut).toBeGreaterThan(30);
    expect(outcomes.refused).toBeLessThan(2 * outcomes.cut);
  });
});
