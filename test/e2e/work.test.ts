import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONVERTERS, convertModel } from '../support/narrow-model.ts';
import { modelBytes, op, zeros } from '../support/onnx-builder.ts';

const root = join(import.meta.dirname, '../..');
const cli = join(root, 'dist/cli.cjs');
const example = join(root, 'examples/mobilenet-v2');
const work = mkdtempSync(join(tmpdir(), 'prunegate-work-'));
const at = (name: string): string => join(work, name);
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** Weights make up nearly all of it, and stand in the file as layers stand in the graph, as most exporters write them. */
const LAYERS = ['a', 'b', 'c'] as const;
const WIDTH = 192;
/** What is read at a time of filters that lie one behind another. */
const BLOCK_BYTES = 2 ** 20;

interface Work {
  /** Bytes read of each file. */
  readonly files: Readonly<Record<string, number>>;
  /** The most that was read at once. */
  readonly largest: Readonly<Record<string, number>>;
  /** Calls of functions of WebAssembly. */
  readonly calls: Readonly<Record<string, number>>;
  /** Bytes of heap, about. */
  readonly allocated: number;
}

function workOf(dense: string, pruned: string, spec: string, ...flags: string[]): Work {
  const counter = join(root, 'test/support/count-work.cjs');
  const args = ['--require', counter, cli, 'check', '--dense', dense, '--pruned', pruned, '--spec', spec, ...flags];
  const env = { ...process.env, PRUNEGATE_WORK: at('work.json') };
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(readFileSync(at('work.json'), 'utf8')) as Work;
}

/** Hashed in a thread of its own, as small ones are not. */
const LARGE = 5824;

beforeAll(() => {
  const weights = Object.fromEntries(
    LAYERS.map((name, layer) => {
      const values = Float32Array.from({ length: WIDTH * WIDTH * 9 }, (_, k) => Math.sin(1 + layer + 1.7 * k));
      return [`${name}.w`, { ...zeros([WIDTH, WIDTH, 3, 3]), rawData: new Uint8Array(values.buffer) }];
    }),
  );
  const nodes = LAYERS.map((name, k) =>
    op('Conv', [LAYERS[k - 1] ?? 'x', `${name}.w`], name, { name: `net/${name}/Conv2D` }),
  );
  writeFileSync(at('dense.onnx'), modelBytes({ inputs: { x: [1, WIDTH, 8, 8] }, weights, nodes, outputs: ['c'] }));
  // A prime number of them, over and over: each filter begins with another.
  const values = new Uint8Array(Float32Array.from({ length: 10_007 }, (_, k) => Math.sin(1.7 * k)).buffer);
  const wide = { w: { ...zeros([LARGE, LARGE, 1, 1]), rawData: Buffer.alloc(4 * LARGE * LARGE, values) } };
  const conv = op('Conv', ['x', 'w'], 'y', { name: 'net/y/Conv2D' });
  writeFileSync(
    at('large.onnx'),
    modelBytes({ inputs: { x: [1, LARGE, 8, 8] }, weights: wide, nodes: [conv], outputs: ['y'] }),
  );
  writeFileSync(at('prune.yaml'), 'threshold: 0.99\nmin_num_filters: 80\ngranularity: 8\n');
  for (const [dense, out] of [
    ['dense.onnx', 'pruned.onnx'],
    ['large.onnx', 'large/pruned.onnx'],
  ] as const) {
    const args = ['prune', '--dense', at(dense), '--spec', at('prune.yaml'), '--out', at(out)];
    expect(String(spawnSync(process.execPath, [cli, ...args]).stderr)).toBe('');
  }
});

describe('what a check does, in counts', () => {
  const ofPair = (...flags: string[]): Work => workOf(at('dense.onnx'), at('pruned.onnx'), at('prune.yaml'), ...flags);
  const times = ({ files }: Work, name: string): number => files[name]! / statSync(at(name)).size;

  it('passes over the weights of both models once, and ranks the dense ones while they are compared', () => {
    const text = ofPair();
    for (const name of ['dense.onnx', 'pruned.onnx']) {
      expect(times(text, name), name).toBeGreaterThanOrEqual(1);
      // Each tensor is found in a window of some kilobytes.
      expect(times(text, name), name).toBeLessThan(1.3);
    }
    expect(times(text, 'dense.onnx')).toBeLessThan(1.1);
  });

  it('holds a block of the dense weights at a time, and no tensor of them', () => {
    const { largest } = ofPair();
    expect(largest['dense.onnx']).toBeLessThanOrEqual(BLOCK_BYTES);
  });

  it.each([CONVERTERS.half, CONVERTERS.brain])(
    'holds and reads no more beside a pruned model by $name',
    (converter) => {
      const half = convertModel(at('pruned.onnx'), at('pruned.half.onnx'), converter);
      const run = workOf(at('dense.onnx'), half, at('prune.yaml'));
      expect(run.largest['dense.onnx']).toBeLessThanOrEqual(BLOCK_BYTES);
      expect(times(run, 'dense.onnx')).toBeLessThan(1.1);
    },
  );

  it('makes no further pass for the hashes of a report', () => {
    const [text, json] = [ofPair(), ofPair('--format', 'json')];
    for (const name of ['dense.onnx', 'pruned.onnx'])
      expect(times(json, name) - times(text, name), name).toBeLessThan(0.05);
  });

  it('makes none for those of a large model either, which a thread of its own makes', () => {
    const pair = [at('large.onnx'), at('large/pruned.onnx'), at('prune.yaml')] as const;
    const [text, json] = [workOf(...pair), workOf(...pair, '--format', 'json')];
    expect(times(json, 'large.onnx') - times(text, 'large.onnx')).toBeLessThan(0.05);
  });

  it('compares each pruned filter with one dense filter, in WebAssembly, and sums up each block of a layer once', () => {
    const { calls } = ofPair();
    const blocks = Math.ceil((WIDTH * WIDTH * 9 * 4) / BLOCK_BYTES);
    expect(calls).toEqual({ norms: LAYERS.length * blocks, same: expect.any(Number) });
    const kept = JSON.parse(readFileSync(at('retained.json'), 'utf8')) as Record<string, readonly number[]>;
    expect(calls['same']).toBe(Object.values(kept).reduce((sum, filters) => sum + filters.length, 0));
  });

  describe.each<[string, object]>([
    ['torch-pruning', { prune: { importance: { type: 'GroupMagnitudeImportance', p: 2 }, pruning_ratio: 0.5 } }],
    ['torch-pruning', { prune: { importance: { type: 'GroupMagnitudeImportance', p: 1 }, pruning_ratio: 0.3 } }],
    ['declared', { prune: { preset: 'tinynn' } }],
    ['declared', { prune: { importance: { value: 'l1', axis: 'in' } } }],
  ])('under %s, by %j', (dialect, { prune }: { prune?: object }) => {
    beforeAll(() => {
      writeFileSync(at('spec.json'), JSON.stringify({ dialect, prune }));
      const args = ['prune', '--dense', at('dense.onnx'), '--spec', at('spec.json'), '--out', at('other.onnx')];
      expect(spawnSync(process.execPath, [cli, ...args, '--folding', 'raw']).status).toBe(0);
    });

    it('passes over the weights of both models once, too', () => {
      const { files, largest, calls } = workOf(at('dense.onnx'), at('other.onnx'), at('spec.json'), '--folding', 'raw');
      for (const name of ['dense.onnx', 'other.onnx'])
        expect(files[name]! / statSync(at(name)).size, name).toBeLessThan(1.1);
      expect(largest['dense.onnx']).toBeLessThanOrEqual(BLOCK_BYTES);
      expect(calls['norms'] ?? calls['packed']).toBeUndefined();
    });
  });

  it('allocates little for a small model, of which there is more to start than to check', () => {
    const { allocated } = workOf(
      join(example, 'dense.onnx'),
      join(example, 'pruned.onnx'),
      join(example, 'prune.yaml'),
    );
    expect(allocated).toBeLessThan(14e6);
  });
});

describe('a large model, which is hashed in a thread of its own', () => {
  const checked = (dense: string, pruned = at('large/pruned.onnx')) =>
    spawnSync(process.execPath, [
      ...[cli, 'check', '--dense', dense, '--pruned', pruned, '--spec', at('prune.yaml')],
      ...['--format', 'json'],
    ]);

  it('is reported with the SHA-256 of its file', () => {
    const { status, stdout } = checked(at('large.onnx'));
    expect(status).toBe(0);
    expect(JSON.parse(String(stdout)).inputs.dense.sha256).toBe(
      createHash('sha256')
        .update(readFileSync(at('large.onnx')))
        .digest('hex'),
    );
  });

  it('does not keep a check from ending that cannot go on', () => {
    const { status, stderr } = checked(at('large.onnx'), at('no-such.onnx'));
    expect({ status, stderr: String(stderr) }).toEqual({
      status: 2,
      stderr: expect.stringContaining('no-such.onnx: does not exist'),
    });
  });
});
