import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseYaml, specFromFile } from '../../src/config/index.ts';
import { type Expectation, readSpec } from '../../src/dialects/index.ts';
import type { Folding, Network } from '../../src/network/index.ts';

type Prune = Readonly<Record<string, unknown>>;

/** What NVIDIA's TF1 pruner did, as test/fixtures/golden_tf1/<name>/golden.json has it. */
export interface Tf1Golden {
  readonly name: string;
  readonly folder: string;
  readonly network: string;
  readonly prune: Prune;
  /** Empty where it raises. */
  readonly layers: Readonly<
    Record<string, { readonly filters: number; readonly retained: number[]; readonly exploring: number[] }>
  >;
  readonly groups: readonly (readonly string[])[];
  readonly grid: readonly { readonly prune: Prune; readonly layers: Readonly<Record<string, number[]>> }[];
  /** Whether folding changed a weight of the dense model. */
  readonly isChangedByFolding: boolean;
  /** Python's exception, where it raises. */
  readonly raises: string | null;
}

const FIXTURES = join(import.meta.dirname, '../fixtures/golden_tf1');
const SHARED = join(import.meta.dirname, '../../../shared/golden_tf1');

/** Goldens in the project, and all others where they lie beside it. */
export function tf1Goldens(kind: '' | 'odd' | 'errors'): { readonly own: Tf1Golden[]; readonly others: Tf1Golden[] } {
  const own = goldensIn(join(FIXTURES, kind));
  const others = goldensIn(join(SHARED, kind)).filter(({ name }) => !own.some((golden) => golden.name === name));
  return { own, others };
}

function goldensIn(folder: string): Tf1Golden[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => existsSync(join(folder, name, 'golden.json')));
  return names.map((name) => {
    const read = (file: string) => JSON.parse(readFileSync(join(folder, name, file), 'utf8'));
    const golden = read('golden.json');
    return {
      name,
      folder: join(folder, name),
      network: golden.network,
      prune: golden.prune,
      layers: golden.layers ?? {},
      groups: golden.equalization_groups ?? [],
      grid: existsSync(join(folder, name, 'grid.json')) ? read('grid.json') : [],
      // Of tf2onnx's channels_last models it was not recorded: it folds what has no bias, which unet's convolutions have.
      isChangedByFolding: golden.folding_changes_weights?.dense ?? !name.startsWith('unet'),
      raises: golden.raises ?? null,
    };
  });
}

export function tf1Expectation(
  model: Network,
  network: string,
  prune: Prune,
  folding: Folding | null = null,
): Expectation {
  const document = specFromFile(parseYaml(JSON.stringify({ dialect: 'tao-tf1', network, prune }), 'spec.yaml'));
  return readSpec(document, document.at('dialect')).expect(model, folding);
}
