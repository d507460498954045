import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parseYaml, type Validator, validate } from '../../src/config/index.ts';
import { formatPath } from '../../src/errors/place.ts';
import { mistake, project } from './project.ts';

const ajv = new Ajv({ strict: true, allowUnionTypes: true, allErrors: true, verbose: true, useDefaults: true });
const validator = ajv.compile({
  type: 'object',
  required: ['threshold'],
  additionalProperties: false,
  properties: {
    $schema: { type: 'string' },
    threshold: { type: 'number', minimum: 0 },
    granularity: { type: 'integer', minimum: 1, maximum: 1024, default: 8 },
    min_num_filters: { type: 'integer', exclusiveMinimum: 0 },
    normalizer: { anyOf: [{ type: 'string', enum: ['max', 'L2', 'off'] }, { const: false }] },
    criterion: { type: 'string', enum: ['union', 'intersection'] },
    excluded_layers: { type: 'array', items: { type: 'string' }, uniqueItems: true, default: [] },
    path: { type: ['string', 'object'], minLength: 1 },
    name: { type: 'string', description: 'short', pattern: '^.{1,3}$', minLength: 1 },
    nested: { type: 'object', additionalProperties: false, properties: { 'a/b~c': { type: 'boolean' } } },
    ratio: { type: 'number', exclusiveMaximum: 1, multipleOf: 0.25 },
    both: { const: 'x' },
  },
}) as Validator;

function check(text: string): unknown {
  const file = parseYaml(text, 's.yaml');
  return validate(validator, file.value, (path) => ({
    file: file.path,
    line: file.lineOf(path),
    key: formatPath(path),
  }));
}

describe('a value that fits', () => {
  it('is copied with the defaults, the file left alone', () => {
    const file = parseYaml('threshold: 0.5', 's.yaml');
    const checked = validate<Record<string, unknown>>(validator, file.value, () => ({
      file: null,
      line: null,
      key: null,
    }));
    expect({ ...checked }).toEqual({ threshold: 0.5, granularity: 8, excluded_layers: [] });
    expect({ ...file.value }).toEqual({ threshold: 0.5 });
  });
});

describe('mistakes', () => {
  it.each([
    ['{}', 's.yaml:1: threshold: is required'],
    ['threshold: "0.68"', 's.yaml:1: threshold: must be a finite number (found "0.68")'],
    ['threshold: .inf', 's.yaml:1: threshold: must be a finite number (found Infinity)'],
    ['threshold: .nan', 's.yaml:1: threshold: must be a finite number (found NaN)'],
    ['threshold:', 's.yaml:1: threshold: must be a finite number (found null)'],
    ['threshold: -1', 's.yaml:1: threshold: must be at least 0 (found -1)'],
    ['threshold: 1\ngranularity: 8.5', 's.yaml:2: granularity: must be an integer (found 8.5)'],
    ['threshold: 1\ngranularity: 010', 's.yaml:2: granularity: must be an integer (found "010")'],
    ['threshold: 1\ngranularity: 0', 's.yaml:2: granularity: must be at least 1 (found 0)'],
    ['threshold: 1\ngranularity: 2000', 's.yaml:2: granularity: must be at most 1024 (found 2000)'],
    ['threshold: 1\nmin_num_filters: 0', 's.yaml:2: min_num_filters: must be above 0 (found 0)'],
    ['threshold: 1\nratio: 1', 's.yaml:2: ratio: must be below 1 (found 1)'],
    ['threshold: 1\nratio: 0.3', 's.yaml:2: ratio: must be multiple of 0.25 (found 0.3)'],
    [
      'threshold: 1\nnormalizer: l2',
      's.yaml:2: normalizer: must be one of max, L2, off or be false: did you mean L2? (found "l2")',
    ],
    [
      'threshold: 1\nnormalizer: 3',
      's.yaml:2: normalizer: must be text or be one of max, L2, off or be false (found 3)',
    ],
    [
      'threshold: 1\ncriterion: unoin',
      's.yaml:2: criterion: must be one of union, intersection: did you mean union? (found "unoin")',
    ],
    ['threshold: 1\nexcluded_layers: conv1', 's.yaml:2: excluded_layers: must be a list (found "conv1")'],
    ['threshold: 1\nexcluded_layers:\n  - a\n  - 3', 's.yaml:4: excluded_layers[1]: must be text (found 3)'],
    [
      'threshold: 1\nexcluded_layers: [a, b, a]',
      's.yaml:2: excluded_layers: must not hold an item twice (items 1 and 3) (found ["a","b","a"])',
    ],
    ['threshold: 1\npath: 3', 's.yaml:2: path: must be text or a mapping (found 3)'],
    ['threshold: 1\npath: ""', 's.yaml:2: path: must not be empty (found "")'],
    ['threshold: 1\nname: four', 's.yaml:2: name: must be short (found "four")'],
    ['threshold: 1\nname: ""', 's.yaml:2: name: must not be empty (found "")'],
    ['threshold: 1\nboth: y', 's.yaml:2: both: must be "x" (found "y")'],
    ['threshold: 1\nnested:\n  a/b~c: 1', 's.yaml:3: nested.a/b~c: must be true or false (found 1)'],
    ['threshold: 1\nnested: {d: 1}', 's.yaml:2: nested.d: is no known key; known are a/b~c (found 1)'],
    [
      'threshold: 1\n__proto__: 1\n',
      's.yaml:2: __proto__: is no known key; known are threshold, granularity, min_num_filters, normalizer, criterion, excluded_layers, path, name, nested, ratio, both (found 1)',
    ],
  ])('%j', (text, message) => {
    expect(mistake(() => check(text))).toBe(message);
  });

  it('tell a misspelt key before the key that it leaves missing, and the first line first', () => {
    expect(mistake(() => check('granularity: x\ntreshold: 0.5'))).toBe(
      's.yaml:2: treshold: is no known key: did you mean threshold? (found 0.5)',
    );
    expect(mistake(() => check('criterion: x\ngranularity: x'))).toBe(
      's.yaml:1: criterion: must be one of union, intersection (found "x")',
    );
    expect(mistake(() => check('Granularity: 3\nthreshold: 1'))).toBe(
      's.yaml:1: Granularity: is no known key: did you mean granularity? (found 3)',
    );
    expect(mistake(() => check('min-num-filters: 3\nthreshold: 1'))).toContain('did you mean min_num_filters?');
  });
});

describe('generated validators', () => {
  it('are what the schemas compile to, in strict mode', () => {
    execFileSync(process.execPath, ['scripts/build-validators.mjs', '--check'], { stdio: 'pipe' });
  });

  it('stand alone, in a folder without packages', () => {
    const code = readFileSync('src/config/config.validator.generated.js', 'utf8');
    project({ 'validator.mjs': code });
    const script =
      "import('./validator.mjs').then(({ validateConfig }) => console.log(validateConfig({ dense: 3 }), validateConfig({ dense: 'd' })))";
    expect(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' })).toBe('false true\n');
  });
});

describe('schemas', () => {
  it.each(readdirSync('schemas'))('%s is identified by where it is published, for editors and SchemaStore', (file) => {
    const { $id, $schema, title } = JSON.parse(readFileSync(`schemas/${file}`, 'utf8'));
    expect($id).toBe(`https://raw.githubusercontent.com/prunegate/prunegate/main/schemas/${file}`);
    expect($schema).toContain('json-schema.org');
    expect(title).toBeTruthy();
  });
});
