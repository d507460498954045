import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const MODEL = ['--dense', 'examples/mobilenet-v2/dense.onnx', '--spec', 'examples/mobilenet-v2/prune.yaml'];

function explain(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/cli.cjs', 'explain', ...MODEL, ...args], {
    cwd: root,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe('dist/cli.cjs explain', () => {
  it("makes plain why the forum's 3, 19, 22 stay and 0, 15, 27 go", () => {
    const { status, stdout } = explain('--layer', 'conv1');
    expect(status).toBe(0);
    const [above, below] = stdout.split(/^-+ cut: 16 filters exceed 0\.68, 16 are kept -+$/m);
    for (const filter of [3, 19, 22])
      expect(above).toMatch(new RegExp(`^ +${filter} .*kept  would go on its own$`, 'm'));
    for (const filter of [0, 15, 27])
      expect(below).toMatch(new RegExp(`^ +${filter} .*cut   would stay on its own$`, 'm'));
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
      'filter 3: rank 17 of 32 by its own norm (0.550), kept because expanded_conv_depthwise has 1.000 (union; threshold 0.680)\n',
    );
    const json = JSON.parse(explain('--layer', 'conv1', '--format', 'json').stdout);
    expect(json.explanation.members.map(({ name }: { name: string }) => name)).toEqual([
      'conv1',
      'expanded_conv_depthwise',
    ]);
    expect(json.explanation.merged[3]).toBe(1);
  });

  it('explains the whole model, a line for each layer', () => {
    const { stdout } = explain();
    expect(stdout.trimEnd().split('\n')).toHaveLength(15);
    expect(stdout).toContain('predictions is excluded, so it keeps every filter');
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
});
