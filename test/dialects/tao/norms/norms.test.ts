import { describe, expect, it } from 'vitest';
import { specFromFile } from '../../../../src/config/spec.ts';
import { parseYaml } from '../../../../src/config/yaml.ts';
import { readSpec } from '../../../../src/dialects/index.ts';
import { network, rows } from '../../../support/convs.ts';

describe('norms that are no numbers', () => {
  it.each([
    [1e25, "the squares of a's weights overflow, so its norms are infinite and cannot be ranked"],
    [Number.NaN, 'a has weights that are NaN or infinite, which cannot be ranked'],
  ])('of weights times %d are said to be what they are', (factor, reason) => {
    const spec = specFromFile(parseYaml('prune: {threshold: 0.5, granularity: 1, min_num_filters: 1}', 'prune.yaml'));
    const { layers } = readSpec(spec, { file: null, line: null, key: 'spec' }).expect(
      network([{ name: 'a', from: 'x', kernel: rows(8, 2, 1).map((row) => row.map((value) => value * factor)) }]),
      null,
    );
    expect(layers.get('a')!.reason).toContain(reason);
  });
});
