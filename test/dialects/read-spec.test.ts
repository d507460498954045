import { describe, expect, it } from 'vitest';
import { parseYaml, specFromFile } from '../../src/config/index.ts';
import { readSpec } from '../../src/dialects/index.ts';

const NOWHERE = { file: null, line: null, key: '--spec' };
const read = (text: string, ...overrides: readonly string[]) =>
  readSpec(
    specFromFile(
      parseYaml(text, 'prune.yaml'),
      overrides.map((override) => ({ text: override, place: { file: null, line: null, key: '--overrides' } })),
    ),
    NOWHERE,
  );

describe('a spec is read', () => {
  it('by the dialect that it names, by TAO’s where it names none', () => {
    expect(read('prune: {threshold: 0.5}').name).toBe('tao-tf2');
    expect(read('dialect: torch-pruning\nprune: {importance: {type: LAMPImportance}, pruning_ratio: 0.5}').name).toBe(
      'torch-pruning',
    );
  });

  it('not where there is none, nor by a dialect that is none', () => {
    expect(() => readSpec(null, NOWHERE)).toThrow('--spec: is required: name the pruning spec');
    expect(() => read('prune: {threshold: 0.5}\ndialect: tao')).toThrow(
      'prune.yaml:2: dialect: must be one of tao-tf2, tao-tf1, torch-pruning, declared (found "tao")',
    );
  });

  it('with keys beside its section that overrides add, where the dialect knows them', () => {
    expect(read('prune: {}', 'task=classification').spec.effective).toMatchObject({ threshold: 0.1 });
    expect(() => read('prune: {threshold: 1}', 'threshold=0.5')).toThrow(
      '--overrides: threshold is no key of the experiment spec: write prune.threshold for a pruning key, +threshold to add one',
    );
    const torch = 'dialect: torch-pruning\nprune: {pruning_ratio: 0.5}';
    expect(() => read(torch, 'task=classification')).toThrow('task is no key of the experiment spec');
  });
});
