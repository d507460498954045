import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { specFromFile } from '../../src/config/spec.ts';
import { parseYaml } from '../../src/config/yaml.ts';
import { type Pruner, readSpec } from '../../src/dialects/index.ts';

/** What a real pruner did, as test/fixtures/declared/<name>/golden.json has it, and the spec that says so. */
export interface DeclaredGolden {
  readonly name: string;
  readonly folder: string;
  readonly spec: { readonly dialect: 'declared'; readonly prune: Readonly<Record<string, unknown>> };
  readonly layers: Readonly<Record<string, DeclaredLayer>>;
  readonly groups: readonly (readonly string[])[];
}

interface DeclaredLayer {
  readonly filters: number;
  readonly retained: readonly number[];
  readonly zeroed: boolean;
  readonly in_order?: readonly number[];
}

export const FIXTURES = join(import.meta.dirname, '../fixtures/declared');
/** All golden models, where they lie beside the project. */
export const SHARED = join(import.meta.dirname, '../../../shared/golden_declared');

export function declaredGoldensIn(folder: string): DeclaredGolden[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => existsSync(join(folder, name, 'golden.json')));
  return names.map((name) => {
    const { spec, layers, groups } = JSON.parse(readFileSync(join(folder, name, 'golden.json'), 'utf8'));
    return { name, folder: join(folder, name), spec, layers, groups };
  });
}

/** A pruner that does what these keys say. */
export function declaredPruner(prune: Readonly<Record<string, unknown>>): Pruner {
  return prunerFrom(JSON.stringify({ dialect: 'declared', prune }));
}

export function prunerFrom(yaml: string): Pruner {
  return readSpec(specFromFile(parseYaml(yaml, 'spec.yaml')), { file: null, line: null, key: 'spec' });
}
