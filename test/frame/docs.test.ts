import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Weight } from '../../src/network/index.ts';
import { toFloat32 } from '../../src/onnx/index.ts';
import { expectationOf, networkOf } from '../support/golden.ts';

const root = join(import.meta.dirname, '../..');
const example = join(root, 'examples/mobilenet-v2');
const network = networkOf(join(example, 'dense.onnx'));
const PRUNE = {
  threshold: 0.68,
  normalizer: 'max',
  granularity: 8,
  min_num_filters: 16,
  equalization_criterion: 'union',
};
const FIRST = 'conv1';
const SECOND = 'expanded_conv_depthwise';

/** A page's table under `<!-- table: NAME -->`, row by row, by the words of its header. */
function tableOf(page: string, name: string): readonly Readonly<Record<string, string>>[] {
  const text = readFileSync(join(root, 'docs', page), 'utf8');
  const lines = text.split(`<!-- table: ${name} -->\n`)[1]?.split('\n') ?? [];
  const end = lines.findIndex((line) => !line.startsWith('|'));
  const cells = (line: string): string[] =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
  const [header, , ...rows] = lines.slice(0, end).map(cells);
  expect(rows.length, `${page} has the table ${name}`).toBeGreaterThan(0);
  return rows.map((row) =>
    Object.fromEntries(header!.map((key, k) => [header!.indexOf(key) === k ? key : `${key} ${k}`, row[k]!])),
  );
}

/** The page's arithmetic, written down once more: float32 sums in Keras's order of the kernel. */
function norms(name: string, scale: (filter: number) => number = () => 1): number[] {
  const weight = network.prunable.get(name)!.weight as Weight;
  const data = toFloat32(weight.tensor.read());
  return Array.from({ length: weight.outCount }, (_, filter) => {
    let sum = 0;
    for (const offset of weight.kernelOffsets) {
      for (let column = 0; column < weight.inCount; column++) {
        const value = Math.fround(data[filter * weight.outStride + column * weight.inStride + offset]! * scale(filter));
        sum = Math.fround(sum + Math.fround(value * value));
      }
    }
    return Math.fround(Math.sqrt(sum));
  });
}

const normalized = (values: readonly number[]): number[] => {
  const largest = Math.max(...values);
  return values.map((value) => Math.fround(value / largest));
};
const rank = (values: readonly number[], filter: number): string =>
  String(values.filter((value) => value > values[filter]!).length + 1);
const passing = (values: readonly number[]): number =>
  values.filter((value) => value > Math.fround(PRUNE.threshold)).length;
const withMinimum = (count: number, filters: number): number =>
  Math.max(count, Math.min(PRUNE.min_num_filters, filters));
const withGranularity = (count: number, filters: number): number =>
  Math.min(filters, Math.ceil(count / PRUNE.granularity) * PRUNE.granularity);
const kept = (values: readonly number[]): string => {
  const count = withGranularity(withMinimum(passing(values), values.length), values.length);
  const order = [...values.keys()].sort((a, b) => values[b]! - values[a]!);
  return order
    .slice(0, count)
    .sort((a, b) => a - b)
    .join(', ');
};
const merged = (f: (a: number, b: number) => number): number[] => {
  const [a, b] = [normalized(norms(FIRST)), normalized(norms(SECOND))];
  return a.map((value, filter) => Math.fround(f(value, b[filter]!)));
};
const union = merged(Math.max);

describe('docs/how-it-decides.md', () => {
  const page = 'how-it-decides.md';

  it('has the norms of conv1', () => {
    const [own, values] = [norms(FIRST), normalized(norms(FIRST))];
    for (const row of tableOf(page, 'norms of conv1')) {
      const filter = Number(row['filter']);
      expect(row, row['filter']).toEqual({
        filter: String(filter),
        norm: own[filter]!.toFixed(3),
        normalized: values[filter]!.toFixed(3),
        rank: rank(values, filter),
      });
    }
  });

  it('has the counts that the rule makes, layer by layer', () => {
    const expectation = expectationOf(network, PRUNE);
    for (const row of tableOf(page, 'counts')) {
      const layer = network.prunable.get(row['layer']!)!;
      const group = expectation.groups.find(({ members }) => members.includes(layer.name));
      const members = (group?.members ?? [layer.name]).map((name) => normalized(norms(name)));
      const values = members[0]!.map((_, filter) => Math.max(...members.map((member) => member[filter]!)));
      const exceed = passing(values);
      const minimum = withMinimum(exceed, layer.filters);
      const count = withGranularity(minimum, layer.filters);
      expect(row).toEqual({
        layer: layer.name,
        filters: String(layer.filters),
        'exceed the threshold': String(exceed),
        'with the minimum': String(minimum),
        'with the granularity': String(count),
        'decided by': count > minimum ? 'granularity' : minimum > exceed ? 'minimum' : 'threshold',
      });
      expect(expectation.layers.get(layer.name)!.expected).toHaveLength(count);
    }
  });

  it('has what exploring writes and what overwrites it', () => {
    expect(tableOf(page, 'exploration').map((row) => row['retained'])).toEqual([
      kept(normalized(norms(FIRST))),
      kept(union),
    ]);
  });

  it('has what each criterion makes of conv1', () => {
    const criteria: Readonly<Record<string, readonly number[]>> = {
      union,
      intersection: merged(Math.min),
      arithmetic_mean: merged((a, b) => Math.fround(a + b) / 2),
      geometric_mean: merged((a, b) => Math.sqrt(Math.fround(a * b))),
    };
    const rows = tableOf(page, 'criteria');
    expect(rows.map((row) => row['criterion'])).toEqual(Object.keys(criteria));
    for (const row of rows) {
      const values = criteria[row['criterion']!]!;
      expect(row).toMatchObject({
        'filter 3': values[3]!.toFixed(3),
        'filter 0': values[0]!.toFixed(3),
        exceed: String(passing(values)),
        retained: kept(values),
      });
      const { layers } = expectationOf(network, { ...PRUNE, equalization_criterion: row['criterion'] });
      expect(layers.get(FIRST)!.expected!.join(', ')).toBe(row['retained']);
    }
  });

  it('has the norms that folding makes of them', () => {
    const norm = network.prunable.get(FIRST)!.norms[0]!;
    const { epsilon, variance: variances } = norm.statistics!;
    const [gamma, variance] = [toFloat32(norm.scale.read()), toFloat32(variances.read())];
    const scale = (filter: number): number =>
      Math.fround(gamma[filter]! / Math.fround(Math.sqrt(Math.fround(variance[filter]! + Math.fround(epsilon)))));
    const [raw, folded] = [norms(FIRST), norms(FIRST, scale)];
    for (const row of tableOf(page, 'folding')) {
      const filter = Number(row['filter of conv1']);
      expect(row).toEqual({
        'filter of conv1': String(filter),
        'norm of W': raw[filter]!.toFixed(3),
        rank: rank(raw, filter),
        "norm of W'": folded[filter]!.toFixed(3),
        'rank 4': rank(folded, filter),
      });
    }
  });
});

describe('docs/three-filters.md', () => {
  it('has the numbers of the six filters', () => {
    const [own, partner] = [normalized(norms(FIRST)), normalized(norms(SECOND))];
    const stays = kept(union).split(', ');
    for (const row of tableOf('three-filters.md', 'story')) {
      const filter = Number(row['filter']);
      expect(row).toEqual({
        filter: String(filter),
        [FIRST]: own[filter]!.toFixed(3),
        rank: rank(own, filter),
        [SECOND]: partner[filter]!.toFixed(3),
        'rank 4': rank(partner, filter),
        larger: union[filter]!.toFixed(3),
        'after exploration': stays.includes(String(filter)) ? 'stays' : 'goes',
      });
    }
  });
});

describe.each(['how-it-decides.md', 'three-filters.md'])('docs/%s', (page) => {
  const text = readFileSync(join(root, 'docs', page), 'utf8');
  const commands = [...text.matchAll(/```text\n\$ prunegate ([^\n]+)\n([\s\S]*?)```/g)];

  it.each(commands.map(([, command, output]) => [command!, output!]))(
    'shows what `prunegate %s` prints (npm run pages writes it anew)',
    (command, output) => {
      const { stdout } = spawnSync(process.execPath, [join(root, 'dist/cli.cjs'), ...command.split(' ')], {
        cwd: example,
        encoding: 'utf8',
      });
      expect(output).toBe(stdout);
    },
  );

  it('links to files that are there', () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link]) => link!);
    expect(links.length).toBeGreaterThan(0);
    for (const link of links) expect(existsSync(join(dirname(join(root, 'docs', page)), link)), link).toBe(true);
  });
});

describe('docs/cut.svg', () => {
  it('is what node scripts/figures.mjs draws', () => {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/figures.mjs', '--check'], {
      cwd: root,
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});
