import { describe, expect, it } from 'vitest';
import {
  type Override,
  parseYaml,
  readYaml,
  type SpecDocument,
  specFromFile,
  specFromInline,
} from '../../src/config/index.ts';
import { mistake, project } from './project.ts';

const experiment = `# TAO
results_dir: /results
task: classification
dataset: {num_classes: 20}
prune:
  threshold: 0.68
  normalizer: off # PyYAML reads false
  excluded_layers: [conv1]
`;
const bare = 'dialect: other\nthreshold: 1e-3\ntask: efficientdet\n';

function spec(text: string, ...overrides: readonly string[]): SpecDocument {
  project({ 'specs/prune.yaml': text });
  return specFromFile(readYaml('specs/prune.yaml'), overrides.map(override));
}

function override(text: string, index: number): Override {
  return { text, place: { file: 'prunegate.yml', line: 10 + index, key: `overrides[${index}]` } };
}

describe('an experiment spec', () => {
  it('gives its prune section, the other sections beside it', () => {
    const read = spec(experiment);
    expect(read).toMatchObject({ file: 'specs/prune.yaml', dialect: null, sectionPath: ['prune'] });
    expect({ ...read.section }).toEqual({ threshold: 0.68, normalizer: 'off', excluded_layers: ['conv1'] });
    expect(Object.keys(read.siblings)).toEqual(['results_dir', 'task', 'dataset']);
    expect(read.siblings.task).toBe('classification');
  });

  it('knows places, lines and spelling of keys, of siblings, and of keys not given', () => {
    const read = spec(experiment);
    expect(read.at('threshold')).toEqual({ file: 'specs/prune.yaml', line: 6, key: 'prune.threshold' });
    expect(read.at(['excluded_layers', 0])).toEqual({
      file: 'specs/prune.yaml',
      line: 8,
      key: 'prune.excluded_layers[0]',
    });
    expect(read.at('task')).toEqual({ file: 'specs/prune.yaml', line: 3, key: 'task' });
    expect(read.at('granularity')).toEqual({ file: 'specs/prune.yaml', line: 5, key: 'prune.granularity' });
    expect(read.at([])).toEqual({ file: 'specs/prune.yaml', line: 5, key: 'prune' });
    expect(read.line('normalizer')).toBe(7);
    expect(['normalizer', 'threshold', 'excluded_layers', 'task', 'granularity'].map(read.source)).toEqual([
      'off',
      '0.68',
      null,
      'classification',
      null,
    ]);
  });

  it('may have an empty prune section, and a task in it', () => {
    expect({ ...spec('prune:\n').section }).toEqual({});
    expect(spec('prune: {task: classification}\ntask: x').at('task').key).toBe('prune.task');
  });

  it('takes a dialect at the top', () => {
    const read = spec(`dialect: torch\n${experiment}`);
    expect(read.dialect).toBe('torch');
    expect(read.siblings).not.toHaveProperty('dialect');
  });
});

describe('bare keys', () => {
  it('are the section, without the dialect', () => {
    const read = spec(bare);
    expect(read.dialect).toBe('other');
    expect({ ...read.section }).toEqual({ threshold: 0.001, task: 'efficientdet' });
    expect({ ...read.siblings }).toEqual({});
    expect(read.sectionPath).toEqual([]);
    expect(read.at('threshold')).toEqual({ file: 'specs/prune.yaml', line: 2, key: 'threshold' });
    expect(read.source('threshold')).toBe('1e-3');
  });
});

describe('an inline spec', () => {
  const text =
    'models:\n  - name: a\n    spec:\n      prune:\n        threshold: 0.5\n  - name: b\n    spec: {threshold: 0.6}\n';

  it.each([
    [0, ['models', 0, 'spec', 'prune'], { file: 'prunegate.yml', line: 5, key: 'models[0].spec.prune.threshold' }],
    [1, ['models', 1, 'spec'], { file: 'prunegate.yml', line: 7, key: 'models[1].spec.threshold' }],
  ])('of model %i has its places in the config', (index, sectionPath, place) => {
    const file = parseYaml(text, 'prunegate.yml');
    const models = file.value.models as readonly { readonly spec: Record<string, unknown> }[];
    const read = specFromInline(models[index]?.spec ?? {}, file, ['models', index, 'spec'], []);
    expect(read.sectionPath).toEqual(sectionPath);
    expect(read.at('threshold')).toEqual(place);
    expect(read.source('threshold')).toMatch(/^0\.[56]$/);
  });
});

describe('overrides', () => {
  it('win over the file and name themselves', () => {
    const read = spec(
      experiment,
      'prune.threshold=1e-1',
      '+prune.granularity=4',
      '++prune.excluded_layers=[a, "b c"]',
      'task=efficientdet',
    );
    expect({ ...read.section }).toEqual({
      threshold: 0.1,
      normalizer: 'off',
      granularity: 4,
      excluded_layers: ['a', 'b c'],
    });
    expect(read.siblings.task).toBe('efficientdet');
    expect(read.at('threshold')).toEqual({ file: 'prunegate.yml', line: 10, key: 'overrides[0]: prune.threshold' });
    expect(read.at(['excluded_layers', 1])).toEqual({
      file: 'prunegate.yml',
      line: 12,
      key: 'overrides[2]: prune.excluded_layers',
    });
    expect(read.at('task').key).toBe('overrides[3]: task');
    expect(read.line('threshold')).toBeNull();
    expect(read.line('normalizer')).toBe(7);
    expect([read.source('threshold'), read.source('excluded_layers')]).toEqual(['1e-1', null]);
  });

  it('have lines where they stand in the same file as an inline spec', () => {
    const file = parseYaml('spec: {threshold: 0.5}\noverrides: [threshold=0.6]\n', 'prunegate.yml');
    const place = { file: 'prunegate.yml', line: 2, key: 'overrides[0]' };
    const read = specFromInline(
      file.value.spec as Record<string, unknown>,
      file,
      ['spec'],
      [{ text: 'threshold=0.6', place }],
    );
    expect(read.line('threshold')).toBe(2);
  });

  it('let the last one win', () => {
    const read = spec(experiment, 'prune.threshold=1', 'prune.threshold=2');
    expect([read.section.threshold, read.at('threshold').line]).toEqual([2, 11]);
    expect(spec(experiment, '+prune.a.b=1', 'prune.a.c=2').section.a).toEqual(expect.objectContaining({ b: 1, c: 2 }));
  });

  it('do not change the file, nor another spec of it', () => {
    const file = parseYaml('spec: {list: {a: 1}}', 'prunegate.yml');
    const value = file.value.spec as Record<string, unknown>;
    specFromInline(value, file, ['spec'], [override('list.a=2', 0)]);
    expect(specFromInline(value, file, ['spec'], []).section).toEqual(
      expect.objectContaining({ list: expect.objectContaining({ a: 1 }) }),
    );
  });

  it.each([
    ['threshold=', ''],
    ['threshold=null', null],
    ['threshold=off', 'off'],
    ['threshold=False', false],
    ['threshold="0.5"', '0.5'],
    ['threshold=0.5,0.6', '0.5,0.6'],
    ['threshold=a=b', 'a=b'],
    ['prune.threshold=0.7', 0.7],
    ['threshold=[]', []],
  ])('of bare keys need no prefix and are YAML values: %s', (text, expected) => {
    expect(spec(bare, text).section.threshold).toEqual(expected);
  });

  it('may add a section with +', () => {
    const read = spec(experiment, '+train.epochs=3', '+verbose=true');
    expect(read.siblings).toMatchObject({ train: { epochs: 3 }, verbose: true });
  });

  it('list the keys that they alone add beside the section, for the dialect to know or to refuse', () => {
    const read = spec(experiment, 'seed=3', 'task=x', '+verbose=true', 'dialect=torch');
    expect(read.added.map(({ key, mistake: { message } }) => [key, message])).toEqual([
      [
        'seed',
        'prunegate.yml:10: overrides[0]: seed is no key of the experiment spec: write prune.seed for a pruning key, +seed to add one',
      ],
    ]);
    expect(spec(bare, 'seed=3').added).toEqual([]);
  });

  it('may choose the dialect', () => {
    expect(spec(experiment, 'dialect=torch').dialect).toBe('torch');
    expect(spec(bare, 'dialect=torch').dialect).toBe('torch');
  });

  it.each([
    ['~prune.threshold', 'must set a key: removing one with ~ is not supported (found "~prune.threshold")'],
    ['prune.threshold', 'must be like prune.key=value (found "prune.threshold")'],
    ['prune..threshold=1', 'must be like prune.key=value (found "prune..threshold=1")'],
    ['prune.a[0]=1', 'must be like prune.key=value (found "prune.a[0]=1")'],
    ['prune=1', 'must set a key of prune, like prune.key=value, or be its command line (found "prune=1")'],
    [
      'prune.threshold={a: 1}',
      'the value must be a number, text, true, false, null or a list of them like [a, b] (found "prune.threshold={a: 1}")',
    ],
    [
      'prune.threshold=[a, [b]]',
      'the value must be a number, text, true, false, null or a list of them like [a, b] (found "prune.threshold=[a, [b]]")',
    ],
    ['prune.threshold=[a', 'the value is not valid YAML: Flow sequence must end with a ] (found "prune.threshold=[a")'],
    [
      'prune.threshold=!!int 3',
      'the value has the tag !!int: tags are not supported, write the plain value (found "prune.threshold=!!int 3")',
    ],
    ['prune.threshold.x=1', 'threshold is no mapping that could hold prune.threshold.x (found 0.68)'],
    ['pruen.threshold=0.5', 'pruen is no key of the spec: did you mean prune.threshold?'],
  ])('are refused: %s', (text, message) => {
    expect(mistake(() => spec(experiment, text))).toBe(`prunegate.yml:10: overrides[0]: ${message}`);
  });

  it('cannot reach prototypes', () => {
    spec(bare, '__proto__.polluted=1', 'constructor.prototype.polluted=1');
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

it.each([
  ['prune: 3', 'specs/prune.yaml:1: prune: must be a mapping of pruning keys (found 3)'],
  ['a: 1\nprune: [[x]]', 'specs/prune.yaml:2: prune: must be a mapping of pruning keys (found [["x"]])'],
  ['threshold: 1\ndialect: 3', 'specs/prune.yaml:2: dialect: must be the name of a dialect (found 3)'],
  ['prune: {}\ndialect:', 'specs/prune.yaml:2: dialect: must be the name of a dialect (found null)'],
])('refuses %j', (text, message) => {
  expect(mistake(() => spec(text))).toBe(message);
});

it('names who named a missing spec', () => {
  project();
  expect(mistake(() => readYaml('nope.yaml'))).toBe('nope.yaml: does not exist');
  expect(mistake(() => readYaml('nope.yaml', { file: null, line: null, key: '--spec' }))).toBe(
    '--spec: names nope.yaml, which does not exist',
  );
});
