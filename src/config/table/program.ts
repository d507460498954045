import { boolean, choice, lines, modelNames, path, pathOrNone, text } from '../kinds.ts';
import { EXECUTING, MODELS, SHOWING, setting } from './setting.ts';

/** What is done, and where prunegate.yml is. */
export const PROGRAM = {
  mode: setting({
    kind: choice('mode', ['check', 'plan', 'merge']),
    help: '`check`; `plan` gives the models of prunegate.yml as a matrix for `fromJSON`; `merge` makes one verdict of many reports',
    input: true,
    default: 'check',
  }),
  config: setting({
    kind: pathOrNone('file'),
    help: 'path of prunegate.yml; flags and inputs win over what it says',
    flag: [...MODELS, 'plan', 'merge'],
    negation: 'too',
    negationHelp: 'do not look for prunegate.yml',
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
  policy: setting({
    kind: choice('mode', ['base', 'report', 'none']),
    help: '`base`: what prunegate.yml says at the base commit holds where a pull request weakens it, which fails; `report` only shows it; `none` does not look',
    input: true,
    otherwise: '`base` on pull_request and merge_group, else `none`',
  }),
  baselineArtifact: setting({
    kind: text('name'),
    help: 'the baseline is the artifact of this name that the last successful run of this workflow on the base branch left, which needs actions read',
    input: true,
    otherwise: 'what `baseline` names',
  }),
  models: setting({
    kind: modelNames,
    help: 'for mode `merge`: the models of which there must be a report, by name or as the `matrix` of mode `plan`',
    flag: ['merge'],
    input: true,
    otherwise: 'those of prunegate.yml',
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
  runner: setting({
    kind: choice('where', ['hosted', 'self-hosted']),
    help: 'where the workflow runs: on runners of GitHub, or on your own with a GPU',
    flag: ['init'],
    otherwise: 'your own where commands run a pruner that has a container, else GitHub',
  }),
  check: setting({
    kind: boolean,
    help: 'write nothing, and fail where the lock file is not what would be written',
    flag: ['lock'],
    default: false,
  }),
  accept: setting({
    kind: boolean,
    help: 'lock what models keep though they do not conform',
    flag: ['lock'],
    default: false,
  }),
  installOnnxruntime: setting({
    kind: boolean,
    help: 'install onnxruntime with npm into a cache folder where it is not found',
    flag: EXECUTING,
    default: false,
  }),
} as const;
