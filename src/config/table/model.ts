import { boolean, choice, lines, number, path, stated, text, words } from '../kinds.ts';
import { closer } from '../strictness.ts';
import { EXECUTION } from './execution.ts';
import { OUTCOME } from './outcome.ts';
import { CHECKING, MODELS, setting } from './setting.ts';

const FOLDINGS = ['raw', 'folded'] as const;
/** Whether BatchNorm is folded into the weights of a model. */
export type Folding = (typeof FOLDINGS)[number];

const PRUNED = ['check', 'recover', 'run', 'lock'] as const;
const SPEC = ['check', 'expect', 'explain', 'prune', 'lock'] as const;

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
  ...EXECUTION,
  ...OUTCOME,
} as const;
