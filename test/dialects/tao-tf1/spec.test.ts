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

  it.each([
    'yolo_v4 prune -m m.hdf5 --equalization_criterion=union -pth=0.3 -nL2',
    'yolo_v4 prune -pth 0.9 -el c -pth 0.3 -n L2',
    "!tao model yolo_v4 prune -m 'a b.hdf5' -k \"$KEY\" -pth '0.3' --norm L2",
    'KEY=a yolo_v4 prune -pt .3 -vn L2',
    '%env KEY=a\n!yolo_v4 prune \\\n  -pth 3e-1 \\\n  -n L2\n!ls',
    '#!/bin/bash\nset -e\nexport KEY=a\nyolo_v4 prune -m m \\\n  -pth 0.3 -n L2 # as agreed\n',
    'cd /work && yolo_v4 prune -pth 0.3 -n L2 2>&1 | tee prune.log',
    'docker run --rm -it --gpus all -v /a:/b nvcr.io/nvidia/tao/tao-toolkit:5.0.0-tf1.15.5 yolo_v4 prune -pth 0.3 -n L2',
    'python3 /opt/nvidia_tao_tf1/cv/yolo_v4/scripts/prune.py -pth 0.3 -n L2',
    'python -m nvidia_tao_tf1.cv.yolo_v4.scripts.prune -pth 0.3 -n L2',
    '/usr/local/bin/yolo_v4 prune --gpus 2 -np 2 -pth 0_0.3 -n L2',
  ])('is taken as it stands in a shell, a notebook or a script: %s', (command) => {
    expect(read(JSON.stringify({ dialect: 'tao-tf1', prune: command })).spec.effective).toMatchObject({
      network: 'yolo_v4',
      threshold: 0.3,
      normalizer: 'L2',
      equalization_criterion: 'union',
    });
  });

  it('is nothing but a command line, where overrides say whose', () => {
    expect(read('yolo_v3 prune -pth 0.3 -el a', 'dialect=tao-tf1').spec.effective).toMatchObject({
      network: 'yolo_v3',
      threshold: 0.3,
      excluded_layers: ['a'],
    });
  });

  it('is a shell script', () => {
    const script =
      '#!/bin/bash\nset -e\nexport KEY=a\n# as agreed\nyolo_v3 prune -m m \\\n  -pth 0.3 \\\n  -el a # head\necho done\n';
    const { spec } = read(script, 'dialect=tao-tf1');
    expect(spec.effective).toMatchObject({ network: 'yolo_v3', threshold: 0.3, excluded_layers: ['a'] });
    expect(spec.at('threshold')).toEqual({ file: 'prune.yaml', line: 6, key: '-pth' });
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
    [`${TF1}prune: -pg 8.0`, 'prune.yaml:3: -pg: must be an integer (found "8.0")'],
    [
      `${TF1}prune: --pruning_t 0.1 -p 8`,
      `prune.yaml:3: -p: is no flag of TAO TF1's prune commands: did you mean -pth or -pg?`,
    ],
    [
      `${TF1}prune: ssd prune -pth 0.1`,
      'prune.yaml:3: prune: is the command of ssd, but network is yolo_v4 (found "ssd")',
    ],
    [
      `${TF1}prune: yolo_v4 prune -pth 0.1; ssd prune -pth 0.2`,
      'prune.yaml:3: prune: is a second prune command: give one (found "ssd")',
    ],
    [
      `${TF1}prune: "-pth 0.1 # -pg 4"`,
      'prune.yaml:3: prune: is a comment in a text of one line: leave it out (found "#")',
    ],
    [
      'dialect: tao-tf1\nprune: yolov4 prune -pth 0.1',
      'prune.yaml:2: prune: must be one of detectnet_v2, faster_rcnn, retinanet, ssd, dssd, yolo_v3, yolo_v4, yolo_v4_tiny, classification_tf1, multitask, unet, efficientdet_tf1, bpnet, mask_rcnn, none: did you mean yolo_v4? (found "yolov4")',
    ],
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
