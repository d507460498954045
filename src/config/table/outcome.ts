import { boolean, choice, number, path, someOf } from '../kinds.ts';
import { both, earlier, either, smaller, union } from '../strictness.ts';
import { EXECUTING, SHOWING, setting } from './setting.ts';

export const FAIL_ON = ['mismatch', 'ambiguous', 'unverifiable'] as const;
/** A layer verdict that fails the gate. */
export type FailOn = (typeof FAIL_ON)[number];

const COMMENTS = ['always', 'on-failure', 'never'] as const;
/** When the pull request gets a comment; loudest first, by which policy compares. */
export type CommentPolicy = (typeof COMMENTS)[number];

export const FORMATS = ['text', 'json', 'markdown', 'html', 'sarif', 'junit', 'badge'] as const;
/** Formats of files that are written where they are asked for; the others always are. */
const FILE_FORMATS = ['text', 'markdown', 'sarif', 'junit', 'badge'] as const;
/** How the result is printed. */
export type Format = (typeof FORMATS)[number];

/** What fails a model, and who is shown it. */
export const OUTCOME = {
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
