import { describe, expect, it } from 'vitest';
import { specFromFile } from '../../../../src/config/spec.ts';
import { parseYaml } from '../../../../src/config/yaml.ts';
import { prune } from '../../../../src/dialects/torch-pruning/cut/pruning.ts';
import type { RankedGroup } from '../../../../src/dialects/torch-pruning/cut/ranked-groups.ts';
import { readTorchSpec } from '../../../../src/dialects/torch-pruning/spec.ts';
import { dependenciesOf } from '../../../../src/dialects/torch-pruning/trace/groups.ts';
import { convs, inMemory, rows } from '../../../support/convs.ts';

/** Takes channels 0 and 1 of a layer with four, whose operations read a table of two. */
function cut(ignored: readonly string[], isNamed = false) {
  const network = inMemory(
    convs([
      { name: 'a', from: 'x', kernel: rows(4, 2, 1) },
      { name: 'b', from: 'a', kernel: rows(3, 4, 2) },
    ]),
  );
  const { groups, flows } = dependenciesOf(network);
  const group = groups.find(({ items }) => items[0]!.module.layer.name === 'a')!;
  const text = JSON.stringify({
    dialect: 'torch-pruning',
    prune: { importance: { type: 'MagnitudeImportance' }, pruning_ratio: 0.5, ignored_layers: ignored },
  });
  const record = { origin: group, group, channelGroups: 1, size: 4, attention: null } as unknown as RankedGroup;
  const parameters = () => [{ name: 'attn.bias_table', width: 2, isSure: true, isNamed }];
  const spec = readTorchSpec(specFromFile(parseYaml(text, 'spec.yaml')));
  return prune(record, [0, 1], { flows, parameters, heads: new Map(), spec });
}

describe('a group with a parameter that would lose everything', () => {
  it('is left alone', () => {
    expect(cut([])).toMatchObject({ kind: 'skipped', name: 'attn.bias_table', width: 2, mayBeBuffer: true });
    expect(cut([], true)).toMatchObject({ kind: 'skipped', mayBeBuffer: false });
  });

  it('is pruned where the parameter is ignored, by its own name', () => {
    expect(cut(['attn.bias_table'])).toMatchObject({ kind: 'pruned' });
    expect(cut(['attn'])).toMatchObject({ kind: 'skipped' });
  });
});
