import { describe, expect, it } from 'vitest';
import { specFromFile } from '../../../src/config/spec.ts';
import { parseYaml } from '../../../src/config/yaml.ts';
import { readDeclaredSpec } from '../../../src/dialects/declared/spec.ts';

const read = (yaml: string) =>
  readDeclaredSpec(specFromFile(parseYaml(`dialect: declared\nprune:\n${yaml}`, 'spec.yaml')));

describe('a declared spec', () => {
  it('has defaults', () => {
    const { keys } = read('  exclude: [fc]\n');
    expect(keys).toMatchObject({
      importance: { value: 'l2', axis: 'out' },
      keep: { rule: 'ratio', amount: 0.5, rounding: 'remove-floor', min: 1 },
      form: 'removed',
      exclude: ['fc'],
    });
  });

  it('takes what a preset fills in, and what is given instead', () => {
    const { keys } = read('  preset: nncf\n  keep: {amount: 0.3, multiple: {of: 4}}\n');
    expect(keys.keep).toMatchObject({
      amount: 0.3,
      rounding: 'keep-ceil',
      multiple: { of: 4, to: 'up' },
      ties: 'stay',
    });
    expect(keys).toMatchObject({ form: 'zeroed', zeroes: ['weight', 'bias', 'bn'], group: { depthwise: 'scored' } });
  });

  it('has other keys for some layers, the last pattern that fits winning', () => {
    const spec = read(
      '  layers:\n    "l4.*": {keep: {amount: 0.3}}\n    "l4.1.*": {keep: {rounding: keep-ceil}, form: zeroed}\n',
    );
    expect(spec.keepOf('l4.0.conv1')).toMatchObject({ amount: 0.3, rounding: 'remove-floor' });
    expect(spec.keepOf('l4.1.conv1')).toMatchObject({ amount: 0.3, rounding: 'keep-ceil' });
    expect(spec.formOf('l4.1.conv1').form).toBe('zeroed');
    expect(spec.formOf('l4.0.conv1').form).toBe('removed');
    expect(spec.at(spec.keepKey('l4.1.conv1'))).toMatchObject({ line: 5 });
  });

  it.each([
    ['  preset: ln_structred\n', 'spec.yaml:3: prune.preset: must be one of ', 'did you mean ln_structured?'],
    [
      '  importance: {valeu: l1}\n',
      'spec.yaml:3: prune.importance.valeu: is no known key: did you mean value?',
      'known key',
    ],
    [
      '  keep:\n    rounding: remove-flor\n',
      'spec.yaml:4: prune.keep.rounding: must be one of ',
      'did you mean remove-floor?',
    ],
    ['  keep: {amount: 1.5}\n', 'spec.yaml:3: prune.keep.amount: must be a share from 0 to 1 for rule: ratio', '1.5'],
    ['  keep: {rule: remove, amount: 0.5}\n', 'spec.yaml:3: prune.keep.amount: must be a number of filters', '0.5'],
    ['  keep: {min: 120%}\n', 'spec.yaml:3: prune.keep.min: must be', 'a share of them like 20%'],
    ['  importance: {value: file}\n', 'prune.importance.file: is required for value: file', 'name an .npz'],
    ['  importance: {file: s.npz}\n', 'prune.importance.file: is read for value: file alone, and value is l2', 's.npz'],
    ['  importance: {value: fpgm, axis: in}\n', 'prune.importance.axis: must be out for value: fpgm', 'norms'],
    [
      '  zeroes: [weigth]\n  form: zeroed\n',
      'spec.yaml:3: prune.zeroes[0]: must be one of weight, bias, bn',
      'did you mean weight?',
    ],
    ['  layers:\n    "l4.*": {keep: {amount: 2}}\n', 'spec.yaml:4: prune.layers', 'must be a share'],
  ])('refuses %j', (yaml, start, end) => {
    expect(() => read(yaml)).toThrow(start);
    expect(() => read(yaml)).toThrow(end);
  });

  it('says where a key is that a preset filled in', () => {
    expect(read('  exclude: [fc]\n  preset: vitis\n').at('keep.rounding')).toMatchObject({
      line: 4,
      key: 'prune.preset',
    });
  });
});
