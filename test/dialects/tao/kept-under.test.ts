import { expect, it } from 'vitest';
import { specFromFile } from '../../../src/config/spec.ts';
import { parseYaml } from '../../../src/config/yaml.ts';
import { readSpec } from '../../../src/dialects/index.ts';
import { explainModel, numbersOf } from '../../../src/report/index.ts';
import { networkOf } from '../../support/golden.ts';
import { FAMILIES } from '../../support/large-models.ts';
import { writeModel } from '../../support/onnx-builder.ts';

function expected(additions: number) {
  const network = networkOf(writeModel(FAMILIES['additions of 200 layers in a row']!(additions)));
  const spec = specFromFile(parseYaml('threshold: 0.5\nmin_num_filters: 1\ngranularity: 1\n', 'prune.yaml'));
  return { network, expectation: readSpec(spec, { file: null, line: null, key: 'spec' }).expect(network, null) };
}

it('what other criteria would keep is left out where that is too much work, and nothing else is', () => {
  const { network, expectation } = expected(20_000);
  const { keptUnder, layers } = numbersOf(expectation, network);
  expect(Object.fromEntries(keptUnder.map(({ criterion, kept }) => [criterion, kept?.size ?? null]))).toEqual({
    union: network.prunable.size,
    intersection: null,
    arithmetic_mean: null,
    geometric_mean: null,
  });
  expect(layers.size).toBe(network.prunable.size);
  expect(explainModel(expectation).groups[0]!.keptUnder).toMatchObject({ intersection: [null] });
});

it('what other criteria would keep is known of fewer, however often it is asked', () => {
  const { network, expectation } = expected(5_000);
  for (const _ of [1, 2])
    expect(expectation.keptUnder().map(({ kept }) => kept?.size)).toEqual(Array(4).fill(network.prunable.size));
});
