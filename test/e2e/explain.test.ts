import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pointwise } from '../support/convs.ts';
import { op, writeModel } from '../support/onnx-builder.ts';

const root = join(import.meta.dirname, '../..');
const SPEC = 'examples/mobilenet-v2/prune.yaml';

function explainModel(dense: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['dist/cli.cjs', 'explain', '--dense', dense, '--spec', SPEC, ...args],
    { cwd: root, encoding: 'utf8' },
  );
  return { status, stdout, stderr };
}

const explain = (...args: string[]) => explainModel('examples/mobilenet-v2/dense.onnx', ...args);

describe('dist/cli.cjs explain', () => {
  it("makes plain why the forum's 3, 19, 22 stay and 0, 15, 27 go", () => {
    const { status, stdout } = explain('--layer', 'conv1');
    expect(status).toBe(0);
    const [above, below] = stdout.split(/^-+ cut 0\.680: 16 filters pass -+$/m);
    for (const [filter, rank] of [
      [3, 17],
      [22, 18],
      [19, 19],
    ])
      expect(above).toMatch(
        new RegExp(`^ +${filter} .*kept  equalization  would go on its own: ${rank}th of 32, 16 stay$`, 'm'),
      );
    expect(below).toMatch(
      /^ +15 .*cut +equalization {2}would stay on its own: 13 pass, the minimum of 16 adds 15, 0, 27$/m,
    );
    for (const filter of [0, 27]) expect(below).toMatch(new RegExp(`^ +${filter} .*cut +equalization  same$`, 'm'));
  });

  it('draws the cut between kept and cut filters, over every filter with --all', () => {
    const rows = explain('--layer', 'conv1', '--all')
      .stdout.split('\n')
      .filter((line) => /^ +\d+ /.test(line));
    expect(rows).toHaveLength(32);
    expect(rows.findIndex((row) => / cut\b/.test(row))).toBe(16);
  });

  it('explains one filter in a line, and as JSON with every number', () => {
    expect(explain('--layer', 'conv1', '--filter', '3').stdout).toBe(
      "filter 3 should stay: 17th of 32 by conv1's own norm (0.550) but 1st by expanded_conv_depthwise (1.000); the larger counts (union), 1.000 exceeds the threshold of 0.68\n",
    );
    const json = JSON.parse(explain('--layer', 'conv1', '--format', 'json').stdout);
    expect(json.explanation.members).toEqual(['conv1', 'expanded_conv_depthwise']);
    expect(json.explanation.filters).toHaveLength(32);
    const third = json.explanation.filters.find(({ filter }: { filter: number }) => filter === 3);
    expect(third).toMatchObject({ rank: 17, merged: 1, stays: true, staysAlone: false, rule: 'equalization' });
    expect(third.margin).toBeCloseTo(0.32, 6);
  });

  it('explains the whole model, a line for each layer', () => {
    const { stdout } = explain();
    const [summary, layers, groups, decided] = stdout.trimEnd().split('\n\n');
    expect(summary).toBe('threshold 0.68 of max, granularity 8, at least 16, union');
    expect(layers!.split('\n')).toHaveLength(15);
    expect(layers).toContain('predictions is excluded, so it keeps every filter');
    expect(groups).toMatch(/^C +24 +16 +16 +16 +block_2_expand, block_2_depthwise$/m);
    expect(decided).toMatch(
      /^granularity decides, not the threshold: block_2_expand, block_2_depthwise, block_3_expand/m,
    );
  });

  it.each([
    [
      ['--layer', 'conv2'],
      'prunegate: --layer: is no layer of examples/mobilenet-v2/dense.onnx: did you mean conv1? (found "conv2")\n',
    ],
    [['--layer', 'conv1', '--filter', '32'], 'prunegate: --filter: must be a filter\'s index, 0 to 31 (found "32")\n'],
    [['--filter', '3'], 'prunegate: --filter: needs --layer\n'],
  ])('says what is wrong with %j', (args, message) => {
    expect(explain(...args)).toMatchObject({ status: 2, stdout: '', stderr: message });
  });

  it('exits 3 where the norms are unknowable, and says what to do', () => {
    const { status, stdout } = explainModel(
      'test/fixtures/golden/seed_mobilenet_v2/dense.folded.onnx',
      ...['--layer', 'conv1', '--filter', '31'],
    );
    expect(status).toBe(3);
    expect(stdout).toMatch(/^filter 31: what becomes of it is not known: BatchNorm is folded into conv1/);
  });

  it('exits 3 where the real pruner raises, and says what', () => {
    for (const layer of [[], ['--layer', 'dw2']]) {
      const { status, stdout } = explainModel('test/fixtures/raises/depth_multiplier_2.onnx', ...layer);
      expect(status).toBe(3);
      expect(stdout).toContain('DepthwiseConv2D for pruning can only have depth_multiplier == 1');
    }
  });

  it('has the model as JSON: what each criterion keeps of a group, and which keys decided', () => {
    const json = JSON.parse(explain('--format', 'json').stdout);
    expect(json.groups[2]).toMatchObject({
      members: ['block_2_expand', 'block_2_depthwise'],
      keptUnder: { union: [24], intersection: [16], arithmetic_mean: [16], geometric_mean: [16] },
    });
    expect(Object.keys(json.decidedBy)).toEqual(['min_num_filters', 'granularity', 'excluded_layers']);
  });
});

describe('a layer whose name nobody would read to its end', () => {
  const name = 'n'.repeat(100_000);
  const kernel = Array.from({ length: 32 }, (_, k) => [1 - k / 32, 0.5, 0.25]);
  const model = writeModel({
    inputs: { x: [1, 3, 4, 4] },
    outputs: ['y'],
    weights: { w: pointwise(kernel), v: pointwise([kernel.map(([first]) => first!)]) },
    nodes: [
      op('Conv', ['x', 'w'], 't', { name: `m/${name}/Conv2D` }),
      op('Conv', ['t', 'v'], 'y', { name: 'm/b/Conv2D' }),
    ],
  });

  it.each([
    ...[[], ['--format', 'markdown'], ['--layer', name], ['--layer', name, '--format', 'markdown']],
    ...[
      ['--layer', name, '--filter', '3'],
      ['--layer', name, '--filter', '3', '--format', 'markdown'],
    ],
    ...[
      ['--layer', `${name}x`],
      ['--layer', name, '--filter', '99'],
    ],
  ])('is explained in lines that are read: %#', (...args) => {
    const { stdout, stderr } = explainModel(model, ...args);
    expect(stdout + stderr).not.toBe('');
    expect(Math.max(...`${stdout}${stderr}`.split('\n').map((line) => line.length))).toBeLessThan(2100);
  });
});
