import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What Torch-Pruning really did, as test/fixtures/torch/<name>/golden.json has it. */
export interface TorchGolden {
  readonly name: string;
  readonly folder: string;
  readonly spec: { readonly dialect: string; readonly prune: Readonly<Record<string, unknown>> };
  readonly layers: Readonly<Record<string, { readonly filters: number; readonly retained: readonly number[] }>>;
  /** What parameters retain that no layer's name has: a packed in_proj_weight. */
  readonly parameters: Readonly<Record<string, readonly number[]>>;
  /** pruning_history() of the library. */
  readonly history: readonly (readonly [string, boolean, readonly number[]])[];
}

type Others = Readonly<Record<string, { readonly retained: readonly number[] }>>;

export const FIXTURES = join(import.meta.dirname, '../fixtures/torch');
/** All golden models, where they lie beside the project. */
export const SHARED = join(import.meta.dirname, '../../../shared/golden_torch');

export function torchGoldensIn(folder: string): TorchGolden[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => existsSync(join(folder, name, 'golden.json')));
  return names.map((name) => {
    const golden = JSON.parse(readFileSync(join(folder, name, 'golden.json'), 'utf8'));
    const { spec, layers, history, others = {} } = golden as TorchGolden & { others?: Others };
    const parameters = Object.fromEntries(Object.entries(others).map(([key, { retained }]) => [key, retained]));
    return { name, folder: join(folder, name), spec, layers, history, parameters };
  });
}
