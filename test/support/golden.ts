import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseYaml, specFromInline } from '../../src/config/index.ts';
import { type Expectation, readSpec } from '../../src/dialects/index.ts';
import { openModel } from '../../src/files/index.ts';
import { type Folding, type Network, readNetwork } from '../../src/network/index.ts';

/** What the real pruner did, as test/fixtures/golden/<name>/golden.json has it. */
export interface Golden {
  readonly name: string;
  readonly folder: string;
  readonly prune: Record<string, unknown>;
  readonly layers: Readonly<
    Record<string, { readonly filters: number; readonly retained: number[]; readonly exploring: number[] }>
  >;
  readonly equalizationGroups: readonly (readonly string[])[];
  readonly params: { readonly dense: number; readonly pruned: number };
  readonly grid: readonly {
    readonly prune: Record<string, unknown>;
    readonly layers: Readonly<Record<string, number[]>>;
  }[];
}

export const FIXTURES = join(import.meta.dirname, '../fixtures');
/** All golden models, where they lie beside the project. */
export const SHARED = join(import.meta.dirname, '../../../shared/golden');

export function goldensIn(folder: string): Golden[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => existsSync(join(folder, name, 'golden.json')));
  return names.map((name) => {
    const read = (file: string) => JSON.parse(readFileSync(join(folder, name, file), 'utf8'));
    const golden = read('golden.json');
    const grid = existsSync(join(folder, name, 'grid.json')) ? read('grid.json') : [];
    return {
      name,
      folder: join(folder, name),
      prune: golden.prune,
      layers: golden.layers,
      equalizationGroups: golden.equalization_groups,
      params: golden.params,
      grid,
    };
  });
}

/** Reads a network whose file stays open until the test process ends. */
export function networkOf(path: string): Network {
  return readNetwork(openModel(path).model);
}

export function expectationOf(
  network: Network,
  prune: Record<string, unknown>,
  folding: Folding | null = null,
): Expectation {
  const yaml = parseYaml(JSON.stringify({ prune }), 'spec.yaml');
  const document = specFromInline(yaml.value as Record<string, unknown>, yaml, []);
  return readSpec(document, document.at('dialect')).expect(network, folding);
}

/** The real pruner's choice, or one that is as right: another pick of a tie, another outcome of an undetermined choice. */
export function isRight(expectation: Expectation, name: string, retained: readonly number[]): boolean {
  const layer = expectation.layers.get(name);
  if (layer?.expected == null) return false;
  if (String(layer.expected) === String(retained)) return true;
  if (layer.alternatives?.some((outcome) => String(outcome) === String(retained))) return true;
  const { tie } = layer;
  if (tie === null) return false;
  const isPick = retained.every((filter) => tie.certain.includes(filter) || tie.candidates.includes(filter));
  return (
    isPick &&
    retained.length === tie.certain.length + tie.pick &&
    tie.certain.every((filter) => retained.includes(filter))
  );
}
