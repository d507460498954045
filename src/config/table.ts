import {
  boolean,
  choice,
  files,
  type Kind,
  lines,
  number,
  path,
  shapes,
  someOf,
  stated,
  text,
  words,
} from './kinds.ts';

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
/** When the pull request gets a comment. */
export type CommentPolicy = (typeof COMMENTS)[number];

export const FORMATS = ['text', 'json', 'markdown'] as const;
/** How the result is printed. */
export type Format = (typeof FORMATS)[number];

export type CommandName = 'check' | 'expect' | 'recover' | 'run' | 'explain' | 'prune' | 'plan' | 'merge';

/** One thing that a user can set. */
export interface Setting<T, D extends T | null> {
  readonly kind: Kind<T>;
  /** What it does, as a clause that begins small. Code stands between backticks, which `--help` leaves out. */
  readonly help: string;
  /** The commands that take it as a flag. */
  readonly flag?: readonly CommandName[];
  /** Whether the flag has to be given. */
  readonly isRequired?: boolean;
  /** Whether there is a flag `--no-...`, beside the other or alone. */
  readonly negation?: 'too' | 'only';
  /** Whether the action has it as an input. */
  readonly input?: boolean;
  /** Whose key it is in prunegate.yml: a model's (at its top level where it has but one), or that of all models. */
  readonly file?: 'model' | 'all';
  /** Its key there, where that is another than the flag's and the input's name. */
  readonly key?: string;
  /** The expression whose value action.yml gives it, where nothing but the workflow can know it. */
  readonly actionDefault?: string;
  /** Where nobody gives it. */
  readonly default: D;
  /** What holds where nobody gives it and there is no default. */
  readonly otherwise?: string;
}

type Row<T> = Omit<Setting<T, null>, 'default'>;

function setting<T>(row: Row<T> & { readonly default: NoInfer<T> }): Setting<T, T>;
function setting<T>(row: Row<T>): Setting<T, null>;
function setting<T>(row: Row<T> & { readonly default?: NoInfer<T> }): Setting<T, T | null> {
  return { default: null, ...row };
}

/** Commands that take one model or all of prunegate.yml. */
const MODELS = ['check', 'expect', 'recover', 'run', 'explain', 'prune'] as const;
const PRUNED = ['check', 'recover', 'run'] as const;
const SPEC = ['check', 'expect', 'explain', 'prune'] as const;
const EXECUTING = ['check', 'run'] as const;
const SHOWING = ['check', 'expect', 'recover', 'run', 'explain'] as const;

const share = (of: string) =>
  ({
    kind: number('share', { least: 0, most: 1 }),
    help: `fail where pruning saves a smaller share, 0 to 1, of the ${of}`,
    flag: EXECUTING,
    input: true,
    file: 'model',
    otherwise: 'no gate',
  }) as const;

/** What is done, and where prunegate.yml is. */
const PROGRAM = {
  mode: setting({
    kind: choice('mode', ['check', 'plan', 'merge']),
    help: '`check`; `plan` gives the models of prunegate.yml as a matrix for `fromJSON`; `merge` makes one verdict of many reports',
    input: true,
    default: 'check',
  }),
  config: setting({
    kind: path('file'),
    help: 'path of prunegate.yml; flags and inputs win over what it says',
    flag: [...MODELS, 'plan'],
    input: true,
    otherwise: './prunegate.yml where it exists',
  }),
  workingDirectory: setting({
    kind: path('folder'),
    help: 'folder to which the other paths are relative, and in which prunegate.yml is looked for',
    input: true,
    otherwise: 'the workspace',
  }),
  model: setting({
    kind: text('name'),
    help: 'one model of prunegate.yml, by its name',
    flag: MODELS,
    input: true,
    otherwise: 'all of them',
  }),
  reports: setting({
    kind: lines('report'),
    help: 'for mode `merge`: paths of the reports, one on a line, with `*` and `**`',
    input: true,
  }),
  githubToken: setting({
    kind: text('token'),
    help: 'token for the comment and the check run',
    input: true,
    actionDefault: 'github.token',
    otherwise: 'the token of the job',
  }),
  layer: setting({ kind: text('name'), help: 'one layer', flag: ['explain'], otherwise: 'every layer in a line' }),
  filter: setting({ kind: text('index'), help: 'one filter of the layer', flag: ['explain'] }),
  all: setting({
    kind: boolean,
    help: 'show every layer, and every filter of one',
    flag: SHOWING,
    default: false,
  }),
  out: setting({
    kind: text('file'),
    help: 'the pruned model to write; retained.json is written beside it',
    flag: ['prune'],
    isRequired: true,
  }),
  installOnnxruntime: setting({
    kind: boolean,
    help: 'install onnxruntime with npm into a cache folder where it is not found',
    flag: EXECUTING,
    default: false,
  }),
} as const;

/** What holds for one model. */
const MODEL = {
  dense: setting({
    kind: path('file'),
    help: 'the dense model: an ONNX export of the trained model, without BatchNorm folding',
    flag: MODELS,
    input: true,
    file: 'model',
  }),
  denseFolded: setting({
    kind: path('file'),
    help: 'the dense model exported with BatchNorm folding, to compare a folded pruned model with',
    flag: ['check'],
    input: true,
    file: 'model',
    otherwise: 'prunegate folds `dense` itself',
  }),
  pruned: setting({
    kind: path('file'),
    help: 'the pruned model (ONNX), folded or not',
    flag: PRUNED,
    input: true,
    file: 'model',
  }),
  spec: setting({
    kind: stated(text('file'), { type: ['string', 'object'], minLength: 1 }),
    help: "the pruning spec: a TAO experiment spec or the pruner's keys alone (YAML or JSON); in prunegate.yml a path, or the keys inline",
    flag: SPEC,
    input: true,
    file: 'model',
  }),
  overrides: setting({
    kind: lines('key=value'),
    help: 'settings that win over the spec, one on a line, like `prune.threshold=0.68`',
    flag: SPEC,
    input: true,
    file: 'model',
  }),
  exportCommand: setting({
    kind: stated(text('command'), { $ref: '#/definitions/command' }),
    help: 'command that exports the dense model; runs before the one that prunes',
    flag: ['check'],
    input: true,
    file: 'model',
    key: 'export',
  }),
  pruneCommand: setting({
    kind: stated(text('command'), { $ref: '#/definitions/command' }),
    help: 'command that prunes the model',
    flag: ['check'],
    input: true,
    file: 'model',
    key: 'prune',
  }),
  commands: setting({
    kind: boolean,
    help: 'check the files as they lie, whatever commands prunegate.yml has',
    flag: ['check'],
    negation: 'only',
    default: true,
  }),
  timeoutMinutes: setting({
    kind: number('minutes', { above: 0 }, 'of minutes '),
    help: 'minutes after which a command is ended, with all that it started',
    flag: ['check'],
    input: true,
    otherwise: 'no limit',
  }),
  // Neither this nor the next stands in prunegate.yml, which an untrusted pull request can edit where it cannot edit the workflow.
  passEnv: setting({
    kind: words('names'),
    help: 'variables that commands may see though they look like secrets: names, separated by commas or spaces',
    flag: ['check'],
    input: true,
    default: [],
    otherwise: 'none',
  }),
  allowUntrustedCommands: setting({
    kind: boolean,
    help: 'run commands for pull requests from forks, and on `pull_request_target`, all the same',
    flag: ['check'],
    input: true,
    default: false,
  }),
  reported: setting({
    kind: path('file'),
    help: 'retained indices as the pruner says, JSON `{layer: [indices]}` or a log that prints them; they must be those that the model retains',
    flag: ['check'],
    input: true,
    file: 'model',
  }),
  lockFile: setting({
    kind: path('file'),
    help: 'the lock file: retained indices that reviewers agreed to',
    file: 'model',
    key: 'lock',
  }),
  folding: setting({
    kind: choice('state', FOLDINGS),
    help: '`raw` or `folded`: overrules the detector of BatchNorm folding',
    flag: SPEC,
    input: true,
    file: 'model',
    otherwise: 'what the detector finds',
  }),
  tolerance: setting({
    kind: number('distance', { least: 0, most: 1 }),
    help: 'relative distance, 0 to 1, within which a retrained filter counts as the dense one',
    flag: ['check'],
    input: true,
    file: 'model',
    otherwise: 'only equal bits count',
  }),
  execute: setting({
    kind: boolean,
    help: 'execute both models with onnxruntime and compare what they compute',
    flag: ['check'],
    negation: 'too',
    input: true,
    file: 'all',
    otherwise: 'the action does, `prunegate check` does not',
  }),
  executionProvider: setting({
    kind: choice('provider', PROVIDERS),
    help: '`auto`, `cpu`, `cuda` or `tensorrt`: where they are executed; `auto` takes the fastest that the machine has',
    flag: EXECUTING,
    input: true,
    file: 'all',
    default: 'auto',
  }),
  requireGpu: setting({
    kind: boolean,
    help: 'fail where there is no GPU, or where onnxruntime did not use it',
    flag: EXECUTING,
    input: true,
    file: 'all',
    default: false,
  }),
  onnxruntime: setting({
    kind: path('folder'),
    help: 'folder of an onnxruntime-node package to execute with',
    flag: EXECUTING,
    input: true,
    file: 'all',
    otherwise: 'looked for; the action installs it once into the tool cache',
  }),
  inputs: setting({
    kind: files,
    help: "tensors (.npy, .npz) or pictures of the input's size (PNG, JPEG; 0 to 1) to execute on, one file on a line, besides zeros and noise",
    flag: EXECUTING,
    input: true,
    file: 'model',
    default: [],
    otherwise: 'zeros and noise alone',
  }),
  inputShapes: setting({
    kind: shapes,
    help: 'sizes of model inputs that the export leaves open, one on a line: `input_1=1x3x224x224`',
    flag: EXECUTING,
    input: true,
    file: 'model',
    default: [],
    otherwise: 'told from the model',
  }),
  maxLatencyRatio: setting({
    kind: number('ratio', { above: 0 }),
    help: "fail where the pruned model's latency over the dense one's is more",
    flag: EXECUTING,
    input: true,
    file: 'model',
    otherwise: 'no gate',
  }),
  minParameterReduction: setting(share('parameters')),
  minMacReduction: setting(share('multiply-accumulates')),
  minSizeReduction: setting(share('bytes')),
  failOn: setting({
    kind: someOf('verdicts', FAIL_ON),
    help: 'layer verdicts that fail the gate: `mismatch`, `ambiguous`, `unverifiable`, or `none`',
    flag: ['check'],
    input: true,
    file: 'all',
    default: ['mismatch', 'unverifiable'],
  }),
  warnOnly: setting({
    kind: boolean,
    help: 'report, but never fail',
    flag: ['check', 'merge'],
    input: true,
    file: 'all',
    default: false,
  }),
  reportDir: setting({
    kind: path('folder'),
    help: 'folder under which `<model>/report.json` is written',
    flag: EXECUTING,
    input: true,
    file: 'all',
    otherwise: "the action writes to the runner's temporary folder",
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
    default: true,
  }),
  comment: setting({
    kind: choice('when', COMMENTS),
    help: '`always`, `on-failure` or `never`: when the pull request gets a comment, which needs pull-requests write',
    input: true,
    file: 'all',
    default: 'on-failure',
  }),
  checkRun: setting({
    kind: boolean,
    help: 'publish annotations as a check run, which holds more than ten and needs checks write',
    input: true,
    file: 'all',
    default: false,
  }),
} as const;

/** Everything that a user can set: flags, the action's inputs, prunegate.yml, its schema, `--help`, action.yml and README's table follow. */
export const SETTINGS = { ...PROGRAM, ...MODEL };
export const MODEL_SETTINGS = MODEL;

export type SettingKey = keyof typeof SETTINGS;
export type ModelSettingKey = keyof typeof MODEL;

type TypeOf<S> = S extends Setting<infer T, infer _> ? T : never;
type DefaultedTypeOf<S> = S extends Setting<infer T, infer D> ? (D extends null ? T | null : T) : never;

/** What flags or inputs say; undefined is not given. */
export type GivenSettings = { readonly [K in SettingKey]?: TypeOf<(typeof SETTINGS)[K]> | undefined };
/** What holds for a model, from wherever it comes. */
export type ModelSettings = { readonly [K in ModelSettingKey]: DefaultedTypeOf<(typeof MODEL)[K]> };

/** Every setting with its key; for those who ask of all alike. */
export const ALL_SETTINGS = Object.entries(SETTINGS) as readonly (readonly [SettingKey, Setting<unknown, unknown>])[];

const BY_KEY = new Map(ALL_SETTINGS);

/** `denseFolded` as flags, inputs and prunegate.yml spell it: `dense-folded`. */
export function spelled(key: SettingKey): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The key of a setting in prunegate.yml. */
export function fileKey(key: SettingKey): string {
  return BY_KEY.get(key)?.key ?? spelled(key);
}

/** What holds where nobody gives a setting; null where nothing does. */
export function usualText({ otherwise, default: usual }: Setting<unknown, unknown>): string | null {
  if (otherwise !== undefined) return otherwise;
  return usual === null ? null : [usual].flat().join(', ');
}
