import { boolean, choice, files, lines, number, path, shapes, someOf, stated, text, words } from '../kinds.ts';
import { both, closer, demanded, earlier, either, larger, smaller, union } from '../strictness.ts';
import { CHECKING, EXECUTING, MODELS, SHOWING, setting } from './setting.ts';

export const FAIL_ON = ['mismatch', 'ambiguous', 'unverifiable'] as const;
/** A layer verdict that fails the gate. */
export type FailOn = (typeof FAIL_ON)[number];

const FOLDINGS = ['raw', 'folded'] as const;
/** Whether BatchNorm is folded into the weights of a model. */
export type Folding = (typeof FOLDINGS)[number];

const PROVIDERS = ['auto', 'cpu', 'cuda', 'tensorrt'] as const;
/** Where onnxruntime shall run the models; auto is the fastest that the machine has. */
export type ProviderChoice = (typeof PROVIDERS)[number];

const COMMENTS = ['always', 'on-failure', 'never'] as const;
/** When the pull request gets a comment; loudest first, by which policy compares. */
export type CommentPolicy = (typeof COMMENTS)[number];

export const FORMATS = ['text', 'json', 'markdown', 'html', 'sarif', 'junit', 'badge'] as const;
/** Formats of files that are written where they are asked for; the others always are. */
const FILE_FORMATS = ['text', 'markdown', 'sarif', 'junit', 'badge'] as const;
/** How the result is printed. */
export type Format = (typeof FORMATS)[number];

const PRUNED = ['check', 'recover', 'run', 'lock'] as const;
const SPEC = ['check', 'expect', 'explain', 'prune', 'lock'] as const;

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

/** What holds for one model. */
export const MODEL = {
  dense: setting({
    kind: path('file'),
    help: 'the dense model: an ONNX export of the trained model, without BatchNorm folding',
    flag: [...MODELS, 'init'],
    input: true,
    file: 'model',
    policy: 'shown',
  }),
  denseFolded: setting({
    kind: path('file'),
    help: 'the dense model exported with BatchNorm folding, to compare a folded pruned model with',
    flag: CHECKING,
    input: true,
    file: 'model',
    policy: 'shown',
    otherwise: 'prunegate folds `dense` itself',
  }),
  pruned: setting({
    kind: path('file'),
    help: 'the pruned model (ONNX), folded or not',
    flag: [...PRUNED, 'init'],
    input: true,
    file: 'model',
    policy: 'shown',
  }),
  spec: setting({
    kind: stated(text('file'), { type: ['string', 'object'], minLength: 1 }),
    help: "the pruning spec: an experiment spec or the pruner's keys alone (YAML or JSON); in prunegate.yml a path, or the keys inline",
    flag: [...SPEC, 'init'],
    input: true,
    file: 'model',
    policy: 'shown',
  }),
  overrides: setting({
    kind: lines('key=value'),
    help: 'settings that win over the spec, one on a line, like `prune.key=value`',
    flag: SPEC,
    input: true,
    file: 'model',
    policy: 'shown',
  }),
  exportCommand: setting({
    kind: stated(text('command'), { $ref: '#/definitions/command' }),
    help: 'command that exports the dense model; runs before the one that prunes',
    flag: [...CHECKING, 'init'],
    input: true,
    file: 'model',
    policy: 'shown',
    key: 'export',
  }),
  pruneCommand: setting({
    kind: stated(text('command'), { $ref: '#/definitions/command' }),
    help: 'command that prunes the model',
    flag: [...CHECKING, 'init'],
    input: true,
    file: 'model',
    policy: 'shown',
    key: 'prune',
  }),
  commands: setting({
    kind: boolean,
    help: 'check the files as they lie, whatever commands prunegate.yml has',
    flag: CHECKING,
    negation: 'only',
    default: true,
  }),
  timeoutMinutes: setting({
    kind: number('minutes', { above: 0 }, 'of minutes '),
    help: 'minutes after which a command is ended, with all that it started',
    flag: CHECKING,
    input: true,
    otherwise: 'no limit',
  }),
  // Neither this nor the next stands in prunegate.yml, which an untrusted pull request can edit where it cannot edit the workflow.
  passEnv: setting({
    kind: words('names'),
    help: 'variables that commands may see though they look like secrets: names, separated by commas or spaces',
    flag: CHECKING,
    input: true,
    default: [],
    otherwise: 'none',
  }),
  allowUntrustedCommands: setting({
    kind: boolean,
    help: 'run commands for pull requests from forks, and on `pull_request_target`, all the same',
    flag: CHECKING,
    input: true,
    default: false,
  }),
  reported: setting({
    kind: path('file'),
    help: 'retained indices as the pruner says, JSON `{layer: [indices]}`, masks as .npz, or a log that prints them; they must be those that the model retains',
    flag: CHECKING,
    input: true,
    file: 'model',
    policy: 'shown',
  }),
  lockFile: setting({
    kind: path('file'),
    help: 'the lock file: retained indices that reviewers agreed to, which `prunegate lock` writes; the model must keep them',
    flag: CHECKING,
    input: true,
    file: 'model',
    policy: 'shown',
    key: 'lock',
  }),
  folding: setting({
    kind: choice('state', FOLDINGS),
    help: '`raw` or `folded`: overrules the detector of BatchNorm folding',
    flag: SPEC,
    input: true,
    file: 'model',
    policy: 'shown',
    otherwise: 'what the detector finds',
  }),
  tolerance: setting({
    kind: number('distance', { least: 0, most: 1 }),
    help: 'relative distance, 0 to 1, within which a retrained filter counts as the dense one',
    flag: CHECKING,
    input: true,
    file: 'model',
    policy: closer,
    otherwise: 'only equal bits count',
  }),
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
  baseline: setting({
    kind: path('file'),
    help: 'the `report.json` of another run, as of the base branch: what became of filters, sizes and latency since is shown',
    flag: ['check'],
    input: true,
    file: 'model',
    policy: 'shown',
  }),
  maxFiltersFlipped: setting({
    kind: number('filters', { least: 0 }),
    help: 'fail where more filters than so many are kept now and were not in the baseline, or the other way round',
    flag: ['check'],
    input: true,
    file: 'model',
    policy: smaller,
    otherwise: 'no gate',
  }),
  failOn: setting({
    kind: someOf('verdicts', FAIL_ON),
    help: 'layer verdicts that fail the gate: `mismatch`, `ambiguous`, `unverifiable`, or `none`',
    flag: ['check'],
    input: true,
    file: 'all',
    policy: union(FAIL_ON),
    default: ['mismatch', 'unverifiable'],
  }),
  warnOnly: setting({
    kind: boolean,
    help: 'report, but never fail',
    flag: ['check', 'merge'],
    input: true,
    file: 'all',
    policy: both,
    default: false,
  }),
  reportDir: setting({
    kind: path('folder'),
    help: 'folder under which `<model>/report.json` and `<model>/report.html` are written',
    flag: EXECUTING,
    input: true,
    file: 'all',
    otherwise: "the action writes to the runner's temporary folder",
  }),
  formats: setting({
    kind: someOf('formats', FILE_FORMATS),
    help: `formats in which reports are written besides: ${FILE_FORMATS.join(', ')}`,
    flag: EXECUTING,
    input: true,
    file: 'all',
    default: [],
    otherwise: 'none',
  }),
  format: setting({
    kind: choice('format', FORMATS),
    help: `what stdout carries: ${FORMATS.join(', ')}`,
    flag: [...SHOWING, 'merge'],
    default: 'text',
  }),
  annotations: setting({
    kind: boolean,
    help: 'annotate the pull request where a model diverges, at most ten times a step',
    input: true,
    file: 'all',
    policy: { louder: either },
    default: true,
  }),
  comment: setting({
    kind: choice('when', COMMENTS),
    help: '`always`, `on-failure` or `never`: when the pull request gets a comment, which needs pull-requests write',
    input: true,
    file: 'all',
    policy: { louder: earlier(COMMENTS) },
    default: 'on-failure',
  }),
  checkRun: setting({
    kind: boolean,
    help: 'publish annotations as a check run, which holds more than ten and needs checks write',
    input: true,
    file: 'all',
    policy: { louder: either },
    default: false,
  }),
} as const;
