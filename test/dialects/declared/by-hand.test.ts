import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../../src/config/index.ts';
import type { Network } from '../../../src/network/index.ts';
import { check } from '../../../src/pipeline/check.ts';
import { prune } from '../../../src/pipeline/prune.ts';
import { convs, network, type Rows } from '../../support/convs.ts';
import { declaredPruner } from '../../support/declared-golden.ts';
import { modelBytes, op } from '../../support/onnx-builder.ts';
import { npy } from '../../tensor-files/npy.ts';

// What no golden model distinguishes is computed by hand here.

/** A convolution `a` with these rows, and one that reads it. */
function single(kernel: Rows): Network {
  const behind = Array.from({ length: 2 }, () => kernel.map(() => 1));
  return network(
    [
      { name: 'a', from: 'x', kernel },
      { name: 'z', from: 'a', kernel: behind },
    ],
    { channels: kernel[0]!.length },
  );
}

/** Convolutions `a` and `b`, each of one column, whose outputs are added up for one that reads the sum. */
function sum(a: readonly number[], b: readonly number[]): Network {
  const column = (values: readonly number[]): Rows => values.map((value) => [value]);
  return network(
    [
      { name: 'a', from: 'x', kernel: column(a) },
      { name: 'b', from: 'x', kernel: column(b) },
      { name: 'z', from: 'added', kernel: [a.map(() => 1), a.map(() => 1)] },
    ],
    { channels: 1, nodes: [op('Add', ['a', 'b'], 'added')], outputs: ['z'] },
  );
}

const under = (dense: Network, prune: Readonly<Record<string, unknown>>) =>
  declaredPruner({ exclude: ['z'], ...prune }).expect(dense, 'raw');
const kept = (dense: Network, prune: Readonly<Record<string, unknown>>) =>
  under(dense, prune).layers.get('a')?.expected;
const scores = (dense: Network, prune: Readonly<Record<string, unknown>>): number[] =>
  under(dense, prune)
    .explainLayer('a')!
    .merged.map((value) => Number(value.toFixed(6)));

const ROWS = [
  [3, 0],
  [2, -2],
  [1.5, 1.5],
  [-2.5, 0],
];

describe('importance', () => {
  it.each([
    ['l1', [3, 4, 3, 2.5]],
    ['l2', [3, 2.828427, 2.12132, 2.5]],
    ['l2sq', [9, 8, 4.5, 6.25]],
    ['mean-abs', [1.5, 2, 1.5, 1.25]],
  ])('%s of rows', (value, expected) => {
    expect(scores(single(ROWS), { importance: { value } })).toEqual(expected);
  });

  it.each([
    ['none', [3, 4, 3, 2.5]],
    ['max', [0.75, 1, 0.75, 0.625]],
    ['sum', [0.24, 0.32, 0.24, 0.2]],
    ['mean', [0.96, 1.28, 0.96, 0.8]],
    // sqrt(9 + 16 + 9 + 6.25)
    ['l2', [0.472866, 0.630488, 0.472866, 0.394055]],
    // of all weights: sqrt(9 + 8 + 4.5 + 6.25)
    ['tensor-l2', [0.569495, 0.759326, 0.569495, 0.474579]],
  ])('normalized by %s', (normalize, expected) => {
    expect(scores(single(ROWS), { importance: { value: 'l1', normalize } })).toEqual(expected);
  });
});

describe('a group', () => {
  const dense = sum([5, 3.6, 2.5, 4.95], [0.2, 2.3, 2.4, 0.8]);

  it.each([
    ['sum', [5.2, 5.9, 4.9, 5.75], [1]],
    ['mean', [2.6, 2.95, 2.45, 2.875], [1]],
    ['rss', [5.003998, 4.272002, 3.465545, 5.01423], [3]],
    ['max', [5, 3.6, 2.5, 4.95], [0]],
    ['min', [0.2, 2.3, 2.4, 0.8], [2]],
    ['first', [5, 3.6, 2.5, 4.95], [0]],
  ])('merged by %s', (score, expected, retained) => {
    const prune = { group: { score }, keep: { rule: 'keep', amount: 1 } };
    expect(scores(dense, prune)).toEqual(expected);
    expect(kept(dense, prune)).toEqual(retained);
  });

  it.each([
    // a keeps 0, 1, 3, and b keeps 1, 2, 3.
    ['or', [0, 1, 2, 3]],
    ['and', [1, 3]],
  ])('whose masks are merged by %s', (score, retained) => {
    expect(kept(dense, { group: { score }, keep: { rule: 'keep', amount: 3 } })).toEqual(retained);
  });
});

describe('how many stay', () => {
  const dense = single(Array.from({ length: 11 }, (_, k) => [k + 1]));
  const highest = (count: number): number[] => Array.from({ length: count }, (_, k) => 11 - count + k);

  it.each([
    [{ rule: 'keep', amount: 4 }, 4],
    [{ rule: 'keep', amount: 20 }, 11],
    [{ rule: 'remove', amount: 4 }, 7],
    [{ rule: 'keep', amount: 7, multiple: { of: 4, to: 'down' } }, 4],
    [{ rule: 'keep', amount: 7, multiple: { of: 4, to: 'up' } }, 8],
    // int(5 + 2) // 4 * 4, and int(6 + 2) // 4 * 4
    [{ rule: 'keep', amount: 5, multiple: { of: 4, to: 'nearest' } }, 4],
    [{ rule: 'keep', amount: 6, multiple: { of: 4, to: 'nearest' } }, 8],
    // int(3 + 2.5) // 5 * 5
    [{ rule: 'keep', amount: 3, multiple: { of: 5, to: 'nearest' } }, 5],
    [{ rule: 'threshold', amount: 8 }, 3],
    [{ rule: 'threshold', amount: 8, compare: '>=' }, 4],
    [{ rule: 'threshold', amount: 8, multiple: { of: 2, to: 'down' } }, 2],
    [{ rule: 'threshold', amount: 100, min: '20%' }, 2],
  ])('by %j', (keep, count) => expect(kept(dense, { keep })).toEqual(highest(count)));
});

describe('value: file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'prunegate-scores-'));
  const file = (name: string): string => join(folder, name);
  writeFileSync(
    file('dense.onnx'),
    modelBytes(
      convs([
        { name: 'a', from: 'x', kernel: ROWS },
        { name: 'b', from: 'a', kernel: [...ROWS, [1, 2]].map((row) => [...row, 1, 1]) },
        { name: 'z', from: 'b', kernel: [[1, 1, 1, 1, 1]] },
      ]),
    ),
  );
  const float64 = (...values: readonly number[]) => npy('<f8', `(${values.length},)`, Float64Array.from(values));
  const float32 = (...values: readonly number[]) => npy('<f4', `(${values.length},)`, Float32Array.from(values));
  let specs = 0;

  /** A check of the dense model, which the built-in pruner prunes, by a spec in another folder than the one it is run in. */
  function requestOf(arrays: Readonly<Record<string, Uint8Array>> | Uint8Array, pruned?: string) {
    const name = `${++specs}.npz`;
    writeFileSync(file(name), arrays instanceof Uint8Array ? arrays : zipSync({ ...arrays }));
    const spec = file(`${specs}.json`);
    const keys = { importance: { value: 'file', file: name }, exclude: ['z'] };
    writeFileSync(spec, JSON.stringify({ dialect: 'declared', prune: keys }));
    const flags = { dense: file('dense.onnx'), spec, ...(pruned === undefined ? {} : { pruned }) };
    return loadRequests(settingsFromFlags(flags), '/')[0]!;
  }

  const checked = (...given: Parameters<typeof requestOf>) =>
    check(requestOf(...given), { version: 'test', isHashed: false, log() {} });

  const B = float32(5, 4, 3, 2, 1);

  it('ranks by what is given, negative scores too, relative to the spec', async () => {
    const { report, exitCode } = await checked({ 'a.npy': float64(-4, 0.5, -0.25, 3), 'b.npy': B });
    expect(exitCode).toBe(0);
    expect(report.layers.map(({ name, actual }) => [name, actual])).toEqual([
      ['a', [1, 3]],
      ['b', [0, 1, 2]],
      ['z', [0]],
    ]);
  });

  it('verifies nothing of a layer that it does not have', async () => {
    const a = { 'a.npy': float64(1, 2, 3, 4) };
    await expect(checked(a)).rejects.toThrow('holds no scores for b');
    await prune(requestOf({ ...a, 'b.npy': B }), file('pruned.onnx'), 'test');
    const { report, exitCode } = await checked(a, file('pruned.onnx'));
    expect(exitCode).toBe(3);
    expect(report.layers.map(({ name, verdict }) => [name, verdict])).toEqual([
      ['a', 'match'],
      ['b', 'unverifiable'],
      ['z', 'match'],
    ]);
    expect(report.layers[1]!.reason).toContain('holds no scores for b');
    expect(report.layers[1]!.remedy).toContain('Write the scores of b into it, one for each filter');
  });

  it.each([
    [
      'another length',
      { 'a.npy': float64(1, 2, 3), 'b.npy': B },
      /\.npz: a: holds 3 scores, and the layer has 4 filters/,
    ],
    ['NaN', { 'a.npy': float64(1, Number.NaN, 3, 4), 'b.npy': B }, /\.npz: a: score 1 is no finite number/],
    ['infinity', { 'a.npy': float32(1, 2, 3, Infinity), 'b.npy': B }, /\.npz: a: score 3 is no finite number/],
    ['a pickled array', { 'a.npy': npy('|O', '(1,)', Uint8Array.of(0x80, 4, 0x2e)), 'b.npy': B }, /a.*pickle/],
    ['a matrix', { 'a.npy': npy('<f8', '(2, 2)', Float64Array.of(1, 2, 3, 4)), 'b.npy': B }, /a: must be a vector/],
    ['integers', { 'a.npy': npy('<i8', '(4,)', BigInt64Array.of(1n, 2n, 3n, 4n)), 'b.npy': B }, /a: must be a vector/],
    ['one array without a name', float64(1, 2, 3, 4), /save it with numpy\.savez/],
    ['a pickle', Buffer.from('\x80\x04\x95', 'latin1'), /is no \.npy or \.npz file/],
  ])('refuses %s', async (_, arrays, message) => {
    await expect(checked(arrays)).rejects.toThrow(message);
  });
});
