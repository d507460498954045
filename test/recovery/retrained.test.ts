import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import type { Weight } from '../../src/network/index.ts';
import { check } from '../../src/pipeline/check.ts';
import { nearestRows } from '../../src/recovery/match/nearest.ts';
import { fileIn } from '../support/fixture-files.ts';
import { FIXTURES, goldensIn, networkOf } from '../support/golden.ts';
import { ModelBytes, recut } from '../support/wrong-models.ts';

const work = mkdtempSync(join(tmpdir(), 'prunegate-retrained-'));
const seed = goldensIn(join(FIXTURES, 'golden')).find(({ name }) => name === 'seed_mobilenet_v2')!;
const densePath = fileIn(seed.folder, 'dense.onnx');
const pruned = networkOf(fileIn(seed.folder, 'pruned.onnx'));
const right = (layer: string): readonly number[] => seed.layers[layer]!.retained;

/** As if training had gone on: every weight and vector moved by noise of this size, relative to its tensor's own. */
function retrained(model: ModelBytes, size: number): string {
  let state = 1;
  const noise = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  const tensors = [
    ...[...pruned.prunable.values()].map(({ weight }) => (weight as Weight).tensor),
    ...pruned.followers.map(({ tensor }) => tensor),
  ];
  for (const tensor of tensors) {
    const at = model.at(tensor);
    const values = Array.from({ length: tensor.elements }, (_, k) => model.bytes.readFloatLE(at + 4 * k));
    const scale = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
    for (const [k, value] of values.entries()) model.set(tensor, k, value + Math.sqrt(3) * size * scale * noise());
  }
  return model.save(join(work, 'retrained.onnx'));
}

async function verdictOf(path: string, flags: Record<string, string> = {}) {
  const spec = join(work, 'spec.json');
  writeFileSync(spec, JSON.stringify({ prune: seed.prune }));
  const [request] = loadRequests(settingsFromFlags({ dense: densePath, pruned: path, spec, ...flags }), work);
  return check(request!, { version: 'test', log: () => undefined, isHashed: false });
}

describe('a pruned model that was trained again', () => {
  const path = retrained(new ModelBytes(fileIn(seed.folder, 'pruned.onnx')), 0.05);

  it('shows what it retains, and how surely, but is unverifiable', async () => {
    const { report, exitCode } = await verdictOf(path);
    expect(exitCode).toBe(3);
    expect(report.findings).toHaveLength(1);
    expect(report.findings[0]!.details.join(' ')).toMatch(
      /nearest to these, at a distance of up to [\d.]+%.*times as far.*set tolerance/,
    );
    for (const layer of report.layers) {
      expect(layer.actual, layer.name).toEqual(right(layer.name));
      expect(layer.verdict, layer.name).toBe('unverifiable');
    }
  });

  it('is judged by the nearest filters where a tolerance allows for the distance, and says so', async () => {
    const { report, exitCode } = await verdictOf(path, { tolerance: '0.5' });
    expect({ exitCode, findings: report.findings }).toEqual({ exitCode: 0, findings: [] });
    expect(report.layers[0]).toMatchObject({ verdict: 'match', reason: expect.stringContaining('nearest') });
    expect((await verdictOf(path, { tolerance: '0.01' })).exitCode).toBe(3);
  });

  it('diverges under a tolerance where it was cut by other filters', async () => {
    const naive = (layer: string): readonly number[] =>
      ['conv1', 'expanded_conv_depthwise'].includes(layer) ? seed.layers['conv1']!.exploring : right(layer);
    const wrong = retrained(recut(networkOf(densePath), pruned, { kernel: naive }), 0.05);
    const { report, exitCode } = await verdictOf(wrong, { tolerance: '0.5' });
    expect(exitCode).toBe(1);
    expect(report.layers.find(({ name }) => name === 'conv1')).toMatchObject({
      verdict: 'mismatch',
      missing: [3, 19, 22],
      unexpected: [0, 15, 27],
    });
  });

  it('so long that nothing is left of it is not guessed at', async () => {
    const { report, exitCode } = await verdictOf(retrained(new ModelBytes(fileIn(seed.folder, 'pruned.onnx')), 2), {
      tolerance: '1',
    });
    expect(exitCode).toBe(3);
    expect(report.layers.some(({ actual }) => actual === null)).toBe(true);
  });
});

describe('nearest rows', () => {
  const kernel = (rows: readonly (readonly number[])[]) => {
    const size = rows[0]!.length;
    const weight = { outCount: rows.length, outStride: size, inCount: size, inStride: 1 } as Weight;
    return { values: Float32Array.from(rows.flat()), weight };
  };
  const find = (dense: readonly (readonly number[])[], pruned: readonly (readonly number[])[]) => {
    const offsets = Int32Array.from(dense[0]!.keys());
    const group = {
      first: 0,
      end: pruned.length,
      denseFirst: 0,
      denseEnd: dense.length,
      size: offsets.length,
      runs: Int32Array.of(0, 0, offsets.length),
      offsets,
      denseOffsets: offsets,
    };
    const found = nearestRows(kernel(dense), kernel(pruned), [group]);
    return found === null ? null : { ...found, filters: [...found.filters] };
  };

  it('are recognized in any order where each is decisive', () => {
    expect(
      find(
        [
          [1, 0],
          [0, 1],
          [-1, 0],
        ],
        [
          [0, 1.1],
          [0.9, 0],
        ],
      ),
    ).toEqual({
      filters: [1, 0],
      distance: expect.closeTo(0.1, 5),
      margin: expect.closeTo(9, 4),
    });
  });

  it('take the order of the filters for help, and nothing where that does not decide', () => {
    // The middle row lies between two dense rows, of which the first is taken by the row before it.
    expect(
      find(
        [
          [1, 0],
          [1.2, 0],
          [0, 3],
        ],
        [
          [1, 0],
          [1.1, 0],
          [0, 3],
        ],
      )?.filters,
    ).toEqual([0, 1, 2]);
    expect(
      find(
        [
          [1, 0],
          [1.2, 0],
          [0, 3],
        ],
        [
          [1.1, 0],
          [0, 3],
        ],
      ),
    ).toBeNull();
  });

  it('are not those of NaN, nor of rows that are as far as none', () => {
    expect(
      find(
        [
          [1, 0],
          [0, 1],
        ],
        [[Number.NaN, 0]],
      ),
    ).toBeNull();
    expect(find([[1, 0]], [[0, 1]])).toBeNull();
  });

  it('are the rows that were kept, for any choice and noise that is small against the distance of rows', () => {
    const number = fc.float({ min: -1, max: 1, noNaN: true });
    const rows = fc.array(fc.array(number, { minLength: 6, maxLength: 6 }), { minLength: 1, maxLength: 12 });
    const length = (values: readonly number[]): number =>
      Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
    fc.assert(
      fc.property(rows, fc.infiniteStream(fc.boolean()), fc.infiniteStream(number), (dense, picks, noise) => {
        const between = dense.flatMap((a, i) =>
          dense.slice(0, i).map((b) => length(a.map((value, k) => value - b[k]!))),
        );
        const gap = Math.min(...dense.map(length), ...between);
        const kept = [...dense.keys()].filter(() => picks.next().value);
        fc.pre(gap > 1e-3 && kept.length > 0);
        const moved = kept.map((k) => {
          const by = dense[k]!.map(() => noise.next().value!);
          return dense[k]!.map((value, at) => value + (0.2 * gap * by[at]!) / (length(by) || 1));
        });
        expect(find(dense, moved)?.filters).toEqual(kept);
      }),
    );
  });
});
