import { describe, expect, it } from 'vitest';
import { type Settings, settingsFromFlags, settingsFromInputs } from '../../src/config/index.ts';
import { mistake } from './project.ts';

const inputs = (given: Readonly<Record<string, string>>) => settingsFromInputs((name) => given[name] ?? '');
const given = (settings: Settings) =>
  Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));

describe('inputs and flags', () => {
  it('make the same settings', () => {
    const fromInputs = inputs({
      config: 'c.yml',
      'working-directory': 'w',
      model: 'm',
      dense: 'd.onnx',
      'dense-folded': 'df.onnx',
      pruned: 'p.onnx',
      spec: 's.yaml',
      overrides: 'prune.threshold=0.5\n\n  prune.excluded_layers=[a, b]\n',
      reported: 'r.json',
      folding: 'raw',
      'export-command': './e.sh',
      'prune-command': './p.sh',
      'timeout-minutes': '2.5',
      'fail-on': 'mismatch,\n ambiguous',
      'warn-only': 'True',
      'report-dir': 'out',
      annotations: 'FALSE',
      tolerance: '0.05',
      execute: 'false',
      'execution-provider': 'cuda',
      'require-gpu': 'true',
      onnxruntime: 'ort',
      inputs: 'a.npy\nb.npz',
      'input-shapes': 'input_1=1x3x8x8\nx=y=2',
      'max-latency-ratio': '.9',
      'min-parameter-reduction': '0.5',
      'min-mac-reduction': '0',
      'min-size-reduction': '1',
      'pass-env': 'A, B\nC',
      'allow-untrusted-commands': 'true',
      comment: 'never',
      'check-run': 'true',
      'github-token': 't',
      mode: 'merge',
      reports: 'a/*.json\nb.json',
    });
    const fromFlags = settingsFromFlags({
      config: 'c.yml',
      workingDirectory: 'w',
      model: 'm',
      dense: 'd.onnx',
      denseFolded: 'df.onnx',
      pruned: 'p.onnx',
      spec: 's.yaml',
      overrides: ['prune.threshold=0.5', 'prune.excluded_layers=[a, b]'],
      reported: 'r.json',
      folding: 'raw',
      exportCommand: './e.sh',
      pruneCommand: './p.sh',
      timeoutMinutes: '2.5',
      failOn: 'mismatch,ambiguous',
      warnOnly: true,
      reportDir: 'out',
      annotations: false,
      tolerance: '0.05',
      execute: false,
      executionProvider: 'cuda',
      requireGpu: true,
      onnxruntime: 'ort',
      inputs: ['a.npy', 'b.npz'],
      inputShapes: ['input_1=1x3x8x8', 'x=y=2'],
      maxLatencyRatio: '.9',
      minParameterReduction: '0.5',
      minMacReduction: '0',
      minSizeReduction: '1',
      passEnv: 'A,B,C',
      allowUntrustedCommands: true,
      comment: 'never',
      checkRun: true,
      githubToken: 't',
      mode: 'merge',
      reports: ['a/*.json', 'b.json'],
      someOtherFlag: 3,
    });
    expect({ ...fromInputs, from: 'flags' }).toEqual(fromFlags);
    expect(given(fromFlags)).toEqual({
      from: 'flags',
      config: 'c.yml',
      workingDirectory: 'w',
      model: 'm',
      dense: 'd.onnx',
      denseFolded: 'df.onnx',
      pruned: 'p.onnx',
      spec: 's.yaml',
      overrides: ['prune.threshold=0.5', 'prune.excluded_layers=[a, b]'],
      reported: 'r.json',
      folding: 'raw',
      exportCommand: './e.sh',
      pruneCommand: './p.sh',
      timeoutMinutes: 2.5,
      failOn: ['mismatch', 'ambiguous'],
      warnOnly: true,
      reportDir: 'out',
      annotations: false,
      tolerance: 0.05,
      execute: false,
      executionProvider: 'cuda',
      requireGpu: true,
      onnxruntime: 'ort',
      inputs: ['a.npy', 'b.npz'],
      inputShapes: [
        { input: 'input_1', shape: [1, 3, 8, 8] },
        { input: 'x=y', shape: [2] },
      ],
      maxLatencyRatio: 0.9,
      minParameterReduction: 0.5,
      minMacReduction: 0,
      minSizeReduction: 1,
      passEnv: ['A', 'B', 'C'],
      allowUntrustedCommands: true,
      comment: 'never',
      checkRun: true,
      githubToken: 't',
      mode: 'merge',
      reports: ['a/*.json', 'b.json'],
    });
  });

  it('that are not given stay undefined, blank inputs too', () => {
    expect(given(inputs({ dense: '', spec: ' \n ', 'warn-only': ' ', 'fail-on': '' }))).toEqual({ from: 'inputs' });
    expect(given(settingsFromFlags({}))).toEqual({ from: 'flags' });
  });

  it('are trimmed as inputs, verbatim as flags', () => {
    expect(inputs({ dense: '  a b.onnx \n' }).dense).toBe('a b.onnx');
    expect(settingsFromFlags({ dense: ' a.onnx' }).dense).toBe(' a.onnx');
  });
});

it.each(['true', 'True', 'TRUE', 'false', 'False', 'FALSE'])('reads the boolean %s', (text) => {
  expect(inputs({ 'warn-only': text }).warnOnly).toBe(text.toLowerCase() === 'true');
});

it.each([
  ['none', []],
  ['mismatch', ['mismatch']],
  ['ambiguous, unverifiable,', ['ambiguous', 'unverifiable']],
  ['mismatch\nmismatch\r\nambiguous', ['mismatch', 'ambiguous']],
])('reads the list %j', (text, expected) => {
  expect(inputs({ 'fail-on': text }).failOn).toEqual(expected);
});

describe('mistakes', () => {
  it.each([
    ['warn-only', 'yes', 'must be true or false (found "yes")'],
    ['warn-only', 'tRue', 'must be true or false (found "tRue")'],
    ['annotations', '1', 'must be true or false (found "1")'],
    [
      'fail-on',
      'mismatch, ambigous',
      'must be none or a list of mismatch, ambiguous, unverifiable: did you mean ambiguous? (found "ambigous")',
    ],
    ['fail-on', 'none, mismatch', 'must be none or a list of mismatch, ambiguous, unverifiable (found "none")'],
    ['fail-on', ',', 'must be none or a list of mismatch, ambiguous, unverifiable (found ",")'],
    ['folding', 'Raw', 'must be one of raw, folded: did you mean raw? (found "Raw")'],
    ['timeout-minutes', '0', 'must be a number of minutes above 0 (found "0")'],
    ['timeout-minutes', '1e999', 'must be a number of minutes above 0 (found "1e999")'],
    ['tolerance', '1.5', 'must be a number from 0 to 1 (found "1.5")'],
    ['min-size-reduction', '50%', 'must be a number from 0 to 1 (found "50%")'],
    ['max-latency-ratio', '0', 'must be a number above 0 (found "0")'],
    [
      'input-shapes',
      'input_1=1x0x8',
      'must be an input\'s name and its sizes, like input_1=1x3x224x224 (found "input_1=1x0x8")',
    ],
    ['execution-provider', 'gpu', 'must be one of auto, cpu, cuda, tensorrt: did you mean cpu? (found "gpu")'],
    ['timeout-minutes', 'ten', 'must be a number of minutes above 0 (found "ten")'],
  ])('of the input %s: %j', (name, text, message) => {
    expect(mistake(() => inputs({ [name]: text }))).toBe(`input ${name}: ${message}`);
  });

  it.each([
    [{ format: 'xml' }, '--format: must be one of text, json, markdown, html, sarif, junit, badge (found "xml")'],
    [{ failOn: 'never' }, '--fail-on: must be none or a list of mismatch, ambiguous, unverifiable (found "never")'],
    [{ dense: '' }, '--dense: must not be empty'],
    [{ denseFolded: ' ' }, '--dense-folded: must not be empty'],
    [{ dense: true }, '--dense: must be text (found true)'],
    [{ warnOnly: 'no' }, '--warn-only: must be true or false (found "no")'],
  ])('of flags: %j', (options, message) => {
    expect(mistake(() => settingsFromFlags(options))).toBe(message);
  });
});
