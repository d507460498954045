import { boolean, choice, files, number, path, shapes } from '../kinds.ts';
import { demanded, either, larger, smaller } from '../strictness.ts';
import { EXECUTING, setting } from './setting.ts';

const PROVIDERS = ['auto', 'cpu', 'cuda', 'tensorrt'] as const;
/** Where onnxruntime shall run the models; auto is the fastest that the machine has. */
export type ProviderChoice = (typeof PROVIDERS)[number];

const share = (of: string) =>
  ({
    kind: number('share', { least: 0, most: 1 }),
    help: `fail where pruning saves a smaller share, 0 to 1, of the ${of}`,
    flag: EXECUTING,
    input: true,
    file: 'model',
    policy: larger,
    otherwise: 'no gate',
  }) as const;

/** How both models are executed, and the gates on what pruning earns. */
export const EXECUTION = {
  execute: setting({
    kind: boolean,
    help: 'execute both models with onnxruntime and compare what they compute: with `true` what could not be executed is unverifiable, with `false` nothing is executed',
    flag: ['check'],
    negation: 'too',
    input: true,
    file: 'all',
    policy: demanded,
    otherwise: 'the action tries, and notes what the machine lacks; `prunegate check` does not',
  }),
  executionProvider: setting({
    kind: choice('provider', PROVIDERS),
    help: '`auto`, `cpu`, `cuda` or `tensorrt`: where they are executed; `auto` takes the fastest that the machine has',
    flag: EXECUTING,
    input: true,
    file: 'all',
    policy: 'shown',
    default: 'auto',
  }),
  requireGpu: setting({
    kind: boolean,
    help: 'fail where there is no GPU, or where onnxruntime did not use it',
    flag: EXECUTING,
    input: true,
    file: 'all',
    policy: either,
    default: false,
  }),
  onnxruntime: setting({
    kind: path('folder'),
    help: 'folder of an onnxruntime-node package to execute with',
    flag: EXECUTING,
    input: true,
    file: 'all',
    policy: 'shown',
    otherwise: 'looked for; the action installs it once into the tool cache',
  }),
  inputs: setting({
    kind: files,
    help: "tensors (.npy, .npz) or pictures of the input's size (PNG, JPEG; 0 to 1) to execute on, one file on a line, besides zeros and noise",
    flag: EXECUTING,
    input: true,
    file: 'model',
    policy: 'shown',
    default: [],
    otherwise: 'zeros and noise alone',
  }),
  inputShapes: setting({
    kind: shapes,
    help: 'sizes of model inputs that the export leaves open, one on a line: `input_1=1x3x224x224`',
    flag: EXECUTING,
    input: true,
    file: 'model',
    policy: 'shown',
    default: [],
    otherwise: 'told from the model',
  }),
  maxLatencyRatio: setting({
    kind: number('ratio', { above: 0 }),
    help: "fail where the pruned model's latency over the dense one's is more",
    flag: EXECUTING,
    input: true,
    file: 'model',
    policy: smaller,
    otherwise: 'no gate',
  }),
  minParameterReduction: setting(share('parameters')),
  minMacReduction: setting(share('multiply-accumulates')),
  minSizeReduction: setting(share('bytes')),
} as const;
