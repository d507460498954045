import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FAMILIES, layersCut } from '../support/large-models.ts';
import { type Graph, writeModel } from '../support/onnx-builder.ts';

const work = mkdtempSync(join(tmpdir(), 'prunegate-growth-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const SPECS = {
  'tao-tf2': 'threshold: 0.5\nmin_num_filters: 1\ngranularity: 1\n',
  'torch-pruning':
    'dialect: torch-pruning\nprune:\n  importance: { type: MagnitudeImportance, p: 2 }\n  pruning_ratio: 0.5\n',
};

/** Each twice the one before, so that what is proportional to the size grows by twice as much the second time as the first. */
const SIZES = [150, 300, 600] as const;
/** Quadratic work grows four times as much; sorting a little more than twice. */
const MOST = 2.6;
/** TAO's own rules write each group again for each layer that joins it: that work is bounded (exploration/work.ts), not linear. */
const BOUNDED = ['layers with normalization and residuals', 'layers added together'];

interface Case {
  readonly family: string;
  readonly dialect: string;
  graph(size: number): Graph;
  pruned?(size: number): Graph;
  /** How much larger its models are: what each layer takes besides hides what grows with their square. */
  readonly scale?: number;
  spec(size: number): string;
}

/** Names of no layer, which a spec may have as many of as a model has layers. */
const names = (size: number): string => JSON.stringify(Array.from({ length: size }, (_, k) => `block.${k}.conv`));
const named: readonly Case[] = [
  ['tao-tf2', (size: number) => `${SPECS['tao-tf2']}excluded_layers: ${names(size)}\n`],
  ['torch-pruning', (size: number) => `${SPECS['torch-pruning']}  ignored_layers: ${names(size)}\n`],
].map(([dialect, spec]) => ({
  family: 'names of a spec',
  dialect: dialect as string,
  graph: FAMILIES['layers in a row']!,
  spec: spec as Case['spec'],
}));

/** Each diverges, and looks for what it was cut by. */
const cutOtherwise: readonly Case[] = Object.entries(SPECS).map(([dialect, spec]) => ({
  ...{ family: 'layers cut otherwise', dialect, graph: FAMILIES['layers in a row']!, pruned: layersCut, scale: 2 },
  spec: () => spec,
}));

const cases: readonly Case[] = [
  ...Object.entries(FAMILIES).flatMap(([family, graph]) =>
    Object.entries(SPECS)
      .filter(([dialect]) => dialect !== 'tao-tf2' || !BOUNDED.includes(family))
      .map(([dialect, spec]) => ({ family, graph, dialect, spec: () => spec })),
  ),
  ...named,
  ...cutOtherwise,
];
let counts: readonly number[] = [];

beforeAll(async () => {
  const entry = join(work, 'entry.mjs');
  const bundler = await rolldown({
    cwd: join(import.meta.dirname, '../..'),
    input: join(import.meta.dirname, 'growth/entry.ts'),
    platform: 'node',
  });
  const { output } = await bundler.generate({ format: 'esm', codeSplitting: false });
  await bundler.close();
  writeFileSync(entry, output[0].code);
  const models = cases.flatMap(({ graph, pruned, scale = 1, spec }) =>
    SIZES.map((least) => least * scale).map((size) => ({
      path: writeModel(graph(size)),
      prunedPath: pruned === undefined ? null : writeModel(pruned(size)),
      spec: spec(size),
    })),
  );
  const { stdout, stderr } = spawnSync(process.execPath, [entry, JSON.stringify(models)], { encoding: 'utf8' });
  expect(stderr).toBe('');
  counts = JSON.parse(stdout);
}, 120_000);

describe('what a check takes grows no faster than the model', () => {
  it.each(cases.map(({ family, dialect }, at) => [dialect, family, at] as const))('%s: %s', (_, __, at) => {
    const [one, two, four] = counts.slice(3 * at, 3 * at + 3) as [number, number, number];
    expect(two).toBeGreaterThan(one);
    expect((four - two) / (two - one)).toBeLessThan(MOST);
  });
});
