import { describe, expect, it } from 'vitest';
import { parseYaml, parseYamlUnder, specFromFile } from '../../../src/config/index.ts';
import { type Pruner, readSpec } from '../../../src/dialects/index.ts';
import { InputError } from '../../../src/errors/input-error.ts';

const NOWHERE = { file: null, line: null, key: '--spec' };

function read(text: string, ...overrides: readonly string[]): Pruner {
  const given = overrides.map((override) => ({
    text: override,
    place: { file: null, line: null, key: '--overrides' },
  }));
  return readSpec(specFromFile(parseYamlUnder('prune', text, 'prune.yaml'), given), NOWHERE);
}

const mistake = (text: string, ...overrides: readonly string[]): string => {
  try {
    read(text, ...overrides);
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  throw new Error('no mistake');
};

const TF1 = 'dialect: tao-tf1\nnetwork: yolo_v4\n';
const KEYS = {
  threshold: 0.3,
  normalizer: 'L2',
  granularity: 4,
  min_num_filters: 12,
  equalization_criterion: 'arithmetic_mean',
  excluded_layers: ['a', 'b/c'],
};

describe('a spec of TAO TF1', () => {
  it.each([
    [
      'keys',
      `${TF1}prune: {threshold: 0.3, normalizer: L2, granularity: 4, min_num_filters: 12, equalization_criterion: arithmetic_mean, excluded_layers: [a, b/c]}`,
    ],
    [
      'keys alone, under the flags’ long names',
      `${TF1}pruning_threshold: 0.3\nnormalizer: L2\npruning_granularity: 4\nmin_num_filters: 12\nequalization_criterion: arithmetic_mean\nexcluded_layers: [a, b/c]`,
    ],
    [
      'a command line',
      `${TF1}prune: -m m.hdf5 -o out -k $KEY -n L2 -eq arithmetic_mean -pg 4 -pth 0.3 -nf 12 -el a b/c`,
    ],
    [
      'one with long names, the last of a flag counting',
      `${TF1}prune: >-\n  tao model yolo_v4 prune --model m.hdf5 -pth 0.9 \\\n  --normalizer L2 --equalization_criterion=arithmetic_mean\n  --pruning_granularity 4 --pruning_thr 0.3 --min_num_filters=12 --excluded_layers a b/c -v`,
    ],
    ['a list of words', `${TF1}prune: [-n, L2, -eq, arithmetic_mean, -pg, 4, -pth, 0.3, -nf, 12, -el, a, b/c]`],
  ])('is %s', (_, text) => {
    const { name, spec } = read(text);
    expect(name).toBe('tao-tf1');
    expect(spec.effective).toMatchObject({ ...KEYS, network: 'yolo_v4' });
  });

  it('is nothing but a command line, where overrides say whose', () => {
    expect(read('yolo_v3 prune -pth 0.3 -el a', 'dialect=tao-tf1').spec.effective).toMatchObject({
      network: 'yolo_v3',
      threshold: 0.3,
      excluded_layers: ['a'],
    });
  });

  it('has the defaults of TAO’s prune commands, of which unet’s keeps 8 filters', () => {
    expect(read(`${TF1}prune: {}`).spec.effective).toMatchObject({
      threshold: 0.1,
      normalizer: 'max',
      granularity: 8,
      min_num_filters: 16,
      equalization_criterion: 'union',
      excluded_layers: [],
    });
    expect(read('dialect: tao-tf1\nnetwork: unet\nprune: {}').spec.effective).toMatchObject({ min_num_filters: 8 });
    expect(read('dialect: tao-tf1\nnetwork: efficientdet').spec.effective).toMatchObject({
      network: 'efficientdet_tf1',
      built_in_exclusions: ["the model's outputs"],
    });
    expect(read('dialect: tao-tf1\nprune: {}').spec.effective).toMatchObject({
      network: null,
      built_in_exclusions: null,
      min_num_filters: '16, or 8 for unet',
    });
  });

  it('is overridden by flags, by keys, and by another command line', () => {
    const text = `${TF1}prune: -pth 0.3 -pg 4`;
    expect(read(text, '-pth 0.5 -el x').spec.effective).toMatchObject({
      threshold: 0.5,
      granularity: 4,
      excluded_layers: ['x'],
    });
    expect(read(text, 'prune.threshold=0.5').spec.effective).toMatchObject({ threshold: 0.5, granularity: 4 });
    expect(read(text, 'prune=-pth 0.5').spec.effective).toMatchObject({ threshold: 0.5, granularity: 8 });
    expect(read(`${TF1}prune: {threshold: 0.3}`, '-pth 0.5').spec.effective).toMatchObject({ threshold: 0.5 });
    expect(read(text, 'network=ssd', 'ties=numpy-1.24').spec.effective).toMatchObject({
      network: 'ssd',
      ties: 'numpy-1.24',
    });
  });

  it('knows on which line a flag stands', () => {
    const { spec } = read(`${TF1}prune: >-\n  -m model.hdf5\n  -eq union\n  -pth 0.3\n  -el a\n      b\n`);
    expect(spec.at('threshold')).toEqual({ file: 'prune.yaml', line: 6, key: '-pth' });
    expect(spec.at(['excluded_layers', 1])).toEqual({ file: 'prune.yaml', line: 8, key: '-el' });
    expect(spec.line('equalization_criterion')).toBe(5);
    expect(spec.line('granularity')).toBe(3);
    const listed = read(`${TF1}prune:\n  - -pth\n  - 0.3\n`).spec;
    expect(listed.at('threshold')).toEqual({ file: 'prune.yaml', line: 5, key: '-pth' });
    expect(read(`${TF1}prune: {}`, '-pth 0.5').spec.at('threshold')).toEqual({ file: null, line: null, key: '-pth' });
  });

  it.each([
    [
      'dialect: tao-tf1\nnetwork: yolov4',
      'prune.yaml:2: network: must be one of detectnet_v2, faster_rcnn, retinanet, ssd, dssd, yolo_v3, yolo_v4, yolo_v4_tiny, classification_tf1, multitask, unet, efficientdet_tf1, bpnet, mask_rcnn, none: did you mean yolo_v4? (found "yolov4")',
    ],
    [`${TF1}prune: -pht 0.5`, `prune.yaml:3: -pht: is no flag of TAO TF1's prune commands: did you mean -pth?`],
    [`${TF1}prune: -pth`, 'prune.yaml:3: -pth: needs a value'],
    [`${TF1}prune: -pth -eq union`, 'prune.yaml:3: -pth: needs a value'],
    [`${TF1}prune: -pth high`, 'prune.yaml:3: -pth: must be a finite number (found "high")'],
    [`${TF1}prune: -pth -0.5`, 'prune.yaml:3: -pth: must be at least 0 (found -0.5)'],
    [`${TF1}prune: -pg 2.5`, 'prune.yaml:3: -pg: must be an integer (found 2.5)'],
    [
      `${TF1}prune: -eq onion`,
      'prune.yaml:3: -eq: must be one of union, intersection, arithmetic_mean, geometric_mean: did you mean union? (found "onion")',
    ],
    [`${TF1}prune: -pth 0.1 0.2`, 'prune.yaml:3: prune: belongs to no flag (after -pth) (found "0.2")'],
    [`${TF1}prune: "-m 'a"`, `prune.yaml:3: prune: has a quote that is not closed (found "-m 'a")`],
    [
      `${TF1}threshold: 0.1\npruning_threshold: 0.2`,
      'prune.yaml:4: pruning_threshold: is given twice: threshold is the same',
    ],
    [
      `${TF1}prune: {treshold: 0.1}`,
      'prune.yaml:3: prune.treshold: is no known key: did you mean threshold? (found 0.1)',
    ],
    [
      'prune: -pth 0.5',
      'prune.yaml:1: prune: must be keys: flags are read by dialect: tao-tf1, not by tao-tf2 (found "-pth")',
    ],
  ])('is refused: %j', (text, message) => {
    expect(mistake(text)).toBe(message);
  });
});

it('says what to write in the place of an experiment spec', () => {
  const protobuf = 'random_seed: 42\nmodel_config {\n  arch: "resnet"\n  n_layers: 18\n}\n';
  expect(() => parseYaml(protobuf, 'spec.txt')).toThrow(
    'spec.txt:1: is protobuf text, which holds no pruning keys: write the flags of the prune command instead',
  );
});
