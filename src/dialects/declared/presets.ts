import type { DeclaredKeys, DeepPartial } from './keys.ts';

export const DEFAULTS: DeclaredKeys = {
  preset: null,
  importance: { value: 'l2', axis: 'out', normalize: 'none', folded: false, file: null },
  group: { coupled: 'together', score: 'sum', depthwise: 'ignored', weights: 'dense', order: null },
  keep: {
    rule: 'ratio',
    amount: 0.5,
    rounding: 'remove-floor',
    compare: '>',
    ties: 'cut',
    multiple: { of: 1, to: 'up' },
    min: 1,
    blocks: 1,
    pool: 'pruned',
  },
  form: 'removed',
  zeroes: ['weight'],
  compensation: 'none',
  statistics: 'dense',
  order: 'ascending',
  exclude: [],
  layers: {},
};

const NNCF: DeepPartial<DeclaredKeys> = {
  importance: { value: 'l2' },
  group: { score: 'sum', depthwise: 'scored' },
  keep: { rounding: 'keep-ceil', multiple: { of: 8, to: 'up' }, ties: 'stay' },
  form: 'zeroed',
  zeroes: ['weight', 'bias', 'bn'],
};

/**
 * What pruners do, as keys. All were run against what they retained (docs/which-dialect.md has their versions), but for
 * vitis and mmrazor, whose source was read.
 */
export const PRESETS: Readonly<Record<string, DeepPartial<DeclaredKeys>>> = {
  ln_structured: {
    group: { coupled: 'alone', depthwise: 'scored' },
    keep: { rounding: 'remove-nearest', min: 0 },
    form: 'zeroed',
    zeroes: ['weight'],
  },
  'torch-ao-saliency': { importance: { value: 'l1' }, keep: { rounding: 'remove-floor', min: 0 } },
  'torch-ao-fpgm': { importance: { value: 'fpgm' }, keep: { rounding: 'remove-nearest', min: 0 } },
  'network-slimming': {
    importance: { value: 'bn-gamma' },
    group: { coupled: 'alone' },
    keep: { rule: 'rank-threshold', compare: '>', min: 0 },
  },
  nni: {
    importance: { value: 'l1' },
    group: { coupled: 'together', score: 'mean', depthwise: 'scored' },
    keep: { rounding: 'remove-floor', min: 0, blocks: 'auto' },
  },
  nncf: NNCF,
  'nncf-all-weights': {
    ...NNCF,
    importance: { value: 'l2', normalize: 'tensor-l2' },
    keep: { rule: 'rank-threshold', compare: '>=', min: 0 },
  },
  onnxsim: {
    importance: { value: 'l2', folded: true },
    group: { score: 'rss', weights: 'cut', order: ['linear', 'alone', 'coupled'] },
    keep: { rounding: 'remove-nearest' },
  },
  paddleslim: { importance: { value: 'l1' }, group: { score: 'first' }, keep: { rounding: 'remove-nearest' } },
  tinynn: { importance: { value: 'l2' }, group: { score: 'sum' }, keep: { rounding: 'remove-ceil' } },
  fastnas: {
    importance: { value: 'l2', axis: 'in', normalize: 'max' },
    group: { score: 'sum' },
    keep: { rule: 'as-pruned' },
    order: 'importance',
    statistics: 'any',
  },
  vitis: {
    importance: { value: 'l1' },
    group: { score: 'first' },
    keep: { rounding: 'keep-floor', multiple: { of: 2, to: 'nearest' }, min: 2 },
  },
  mmrazor: {
    importance: { value: 'mean-abs' },
    group: { score: 'mean' },
    keep: { rounding: 'keep-floor', multiple: { to: 'nearest' } },
  },
};
