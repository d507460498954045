import type { ReadNamed } from '../../../src/bytes/index.ts';
import { specFromFile } from '../../../src/config/spec.ts';
import { parseYaml } from '../../../src/config/yaml.ts';
import { type Expectation, type Pruner, readSpec } from '../../../src/dialects/index.ts';
import type { Network } from '../../../src/network/index.ts';

const IMPORTANCE = { type: 'GroupMagnitudeImportance', p: 2 };

/** Torch-Pruning with the arguments of its pruner. */
export function pruner(prune: Readonly<Record<string, unknown>>, read?: ReadNamed): Pruner {
  const text = JSON.stringify({
    dialect: 'torch-pruning',
    prune: { importance: IMPORTANCE, pruning_ratio: 0.5, ...prune },
  });
  return readSpec(specFromFile(parseYaml(text, 'spec.yaml', read)), { file: null, line: null, key: 'spec' });
}

export function expectationOf(
  network: Network,
  prune: Readonly<Record<string, unknown>>,
  read?: ReadNamed,
): Expectation {
  return pruner(prune, read).expect(network, null);
}

/** How many filters each layer is to keep, or why that is not known. */
export function counts({ layers }: Expectation): Readonly<Record<string, number | string>> {
  return Object.fromEntries([...layers].map(([name, { expected, reason }]) => [name, expected?.length ?? reason]));
}
