import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Report } from '../../src/report/index.ts';
import { type ActionOptions, type ActionRun, runAction } from '../support/action.ts';
import { payload } from '../support/events.ts';
import type { ApiFile, ApiOptions, Fault, GitHubApi } from '../support/github-api.ts';
import { BASE, onPullRequest, RIGHT, startApi, WRONG, warnings } from '../support/pull-request.ts';

const open: GitHubApi[] = [];
afterEach(async () => {
  const all = open.splice(0);
  for (const each of all) await each.close();
  expect(all.flatMap(({ violations }) => violations)).toEqual([]);
});

const MODEL = 'dense: m/dense.onnx\nspec: m/prune.yaml\n';
const GOOD = `${MODEL}pruned: m/pruned.onnx\n`;
const BAD = `${MODEL}pruned: m/pruned-naive.onnx\n`;
const SPEC = readFileSync(join(import.meta.dirname, '../../examples/mobilenet-v2/prune.yaml'), 'utf8');

interface Played {
  /** prunegate.yml of the pull request; null where it has none. */
  readonly head: string | null;
  /** Files of the base commit; prunegate.yml alone as text; null for none. */
  readonly base?: string | null | Readonly<Record<string, ApiFile>>;
  readonly inputs?: ActionOptions['inputs'];
  readonly env?: ActionOptions['env'];
  readonly event?: unknown;
  readonly faults?: readonly Fault[];
  readonly commit?: string;
}

interface PlayedRun extends ActionRun {
  readonly api: GitHubApi;
  readonly report: Report;
}

/** The action on a pull request that has another prunegate.yml than its base. */
async function play(played: Played): Promise<PlayedRun> {
  const { head, base = null, inputs = {}, env, event, faults, commit = BASE } = played;
  const files: Readonly<Record<string, ApiFile>> =
    typeof base === 'object' && base !== null
      ? base
      : { 'm/prune.yaml': SPEC, ...(base === null ? {} : { 'prunegate.yml': base }) };
  const options: Partial<ApiOptions> = { files: { [commit]: files }, ...(faults === undefined ? {} : { faults }) };
  const api = await startApi(options);
  open.push(api);
  const run = await onPullRequest(api, {
    inputs: { policy: '', comment: 'never', ...inputs },
    ...(env === undefined ? {} : { env }),
    ...(event === undefined ? {} : { event }),
    prepare: (workspace) => {
      if (head !== null) writeFileSync(join(workspace, 'prunegate.yml'), head);
    },
  });
  const path = run.outputs['report-json'];
  return { ...run, api, report: path ? JSON.parse(readFileSync(path, 'utf8')) : null };
}

const lowered = ({ report }: PlayedRun): readonly string[] =>
  report.findings.filter(({ kind }) => kind === 'policy-lowered').map(({ title }) => title);

describe('the comment', () => {
  it('says which of spec, lock and policy a pull request changes, and how', async () => {
    const run = await play({
      head: `${GOOD}tolerance: 0.5\noverrides: [prune.threshold=0.68]\n`,
      base: { 'prunegate.yml': `${GOOD}tolerance: 0.25\n`, 'm/prune.yaml': `${SPEC}# other\n` },
      inputs: { comment: 'always' },
    });
    expect(run.report.policy?.changed).toEqual({ spec: true, lock: false, policy: true });
    for (const text of [run.api.comments[0]!.body, run.summary]) {
      expect(text).toContain('This pull request changes the **spec** and **policy**.\n');
      expect(text).toContain('\n- ⬇️ tolerance: 0.25 → 0.5 (prunegate.yml, line 4)\n');
      expect(text).toContain('\n- overrides: not given → \\[prune.threshold=0.68\\] (prunegate.yml, line 5)\n');
    }
  });

  it('is not silenced by the pull request that it is about, and says that it tried', async () => {
    const quiet = 'comment: never\nannotations: false\n';
    const run = await play({ head: `${BAD}${quiet}`, base: BAD, inputs: { comment: '' } });
    expect(run.status).toBe(1);
    expect(run.api.comments[0]!.body).toContain('\n- comment: on-failure → never (prunegate.yml, line 4)\n');
    expect(run.log.annotations.length).toBeGreaterThan(0);
    const agreed = await play({ head: `${BAD}${quiet}`, base: `${BAD}${quiet}`, inputs: { comment: '' } });
    expect([agreed.status, agreed.api.comments]).toEqual([1, []]);
  });

  it('says nothing of the mark that an editor put before a text', async () => {
    const marked = { 'prunegate.yml': `\ufeff${GOOD}`, 'm/prune.yaml': `\ufeff${SPEC}` };
    for (const base of [marked, { 'prunegate.yml': GOOD, 'm/prune.yaml': new TextEncoder().encode(`\ufeff${SPEC}`) }]) {
      const run = await play({ head: GOOD, base });
      expect(run.report.policy?.changed).toEqual({ spec: false, lock: false, policy: false });
    }
  });

  it('says that nothing of it is changed', async () => {
    const run = await play({ head: GOOD, base: GOOD, inputs: { comment: 'always' } });
    expect(run.api.comments[0]!.body).toContain('Spec, lock and policy are as at the base commit.');
  });
});

describe('a pull request that lowers the bar', () => {
  it.each<readonly [string, string, string]>([
    ['warn-only: true', '', 'warn-only was false, and is true'],
    ['fail-on: [unverifiable]', '', 'fail-on was [mismatch, unverifiable], and is [unverifiable]'],
    ['tolerance: 1', 'tolerance: 0.1', 'tolerance was 0.1, and is 1'],
    ['', 'min-size-reduction: 0.1', 'min-size-reduction was 0.1, and is not given'],
  ])('fails, and says how, in which line: %j for %j', async (now, before, title) => {
    const run = await play({ head: `${GOOD}${now}\n`, base: `${GOOD}${before}\n` });
    expect(run.status).toBe(1);
    expect(run.outputs).toMatchObject({ verdict: 'diverges', conclusion: 'failure' });
    expect(lowered(run)).toEqual([`this pull request lowers the bar: ${title}`]);
    expect(run.report.totals.match).toBe(14);
    expect(run.log.annotations.map(({ file, line }) => [file, line])).toContainEqual([
      'prunegate.yml',
      now === '' ? 1 : 4,
    ]);
    expect(run.report.policy).toMatchObject({
      mode: 'base',
      base: 'read',
      commit: BASE,
      changed: { policy: true, spec: false },
    });
    expect(warnings(run)).toEqual([]);
  });

  it('does not hide what is wrong by it: the stricter side holds', async () => {
    const run = await play({ head: `${BAD}warn-only: true\nfail-on: []\ntolerance: 1\n`, base: GOOD });
    expect(run.status).toBe(1);
    expect(run.report).toMatchObject({ verdict: 'diverges', conclusion: 'failure', totals: { mismatch: 2 } });
    expect(lowered(run)).toHaveLength(3);
    expect(run.report.policy?.changes.find(({ key }) => key === 'pruned')).toMatchObject({ isLowered: false });
  });

  it('by taking a model away fails, in plan too', async () => {
    const two = `models:\n  - {name: a, ${GOOD.trim().replaceAll('\n', ', ')}}\n  - {name: b, ${GOOD.trim().replaceAll('\n', ', ')}}\n`;
    const one = two.split('\n').slice(0, 2).join('\n');
    const run = await play({ head: one, base: two });
    expect(run.status).toBe(1);
    expect(lowered(run)).toEqual(['this pull request lowers the bar: model b is gone']);
    const planned = await play({ head: one, base: two, inputs: { mode: 'plan' } });
    expect(planned.status).toBe(1);
    expect(planned.outputs).toMatchObject({ conclusion: 'failure', matrix: '{"model":["a"]}' });
    expect(planned.stdout).toContain('model b is gone');
    expect(await play({ head: two, base: one, inputs: { mode: 'plan' } })).toMatchObject({ status: 0 });
  });

  it('by taking prunegate.yml away where the workflow says what is checked fails', async () => {
    const run = await play({
      head: null,
      base: 'min-size-reduction: 0.1\nfail-on: [mismatch, ambiguous, unverifiable]\n',
      inputs: RIGHT,
    });
    expect(run.status).toBe(1);
    expect(lowered(run)).toEqual([expect.stringContaining('fail-on was [mismatch, ambiguous, unverifiable]')]);
  });

  it('by its other name fails', async () => {
    const api = await startApi({ files: { [BASE]: { 'prunegate.yml': GOOD } } });
    open.push(api);
    const run = await onPullRequest(api, {
      inputs: { policy: '', comment: 'never' },
      prepare: (workspace) => writeFileSync(join(workspace, 'prunegate.yaml'), `${GOOD}warn-only: true\n`),
    });
    expect(run.status).toBe(1);
    expect(run.stdout).toContain('lowers the bar');
  });

  it('is only shown with policy: report, and not looked at with none', async () => {
    const shown = await play({ head: `${BAD}warn-only: true\n`, base: GOOD, inputs: { policy: 'report' } });
    expect(shown).toMatchObject({ status: 0, outputs: { verdict: 'diverges', conclusion: 'neutral' } });
    expect(lowered(shown)).toEqual([]);
    expect(shown.report.notes).toContainEqual(expect.stringMatching(/^This pull request lowers the bar: warn-only/));
    const none = await play({ head: `${BAD}warn-only: true\n`, base: GOOD, inputs: { policy: 'none' } });
    expect(none).toMatchObject({ status: 0, report: { policy: null } });
    expect(none.api.requests).toEqual([]);
  });

  it('in the merge queue fails, too', async () => {
    const event = payload('merge_group');
    const { base_sha: commit } = (event as { readonly merge_group: { readonly base_sha: string } }).merge_group;
    const env = { GITHUB_EVENT_NAME: 'merge_group' };
    const run = await play({ head: `${GOOD}warn-only: true\n`, base: GOOD, commit, event, env });
    expect(run.status).toBe(1);
    expect(run.report.policy).toMatchObject({ commit });
  });

  it('is nobody’s business on a push', async () => {
    const run = await play({ head: `${BAD}warn-only: true\n`, base: GOOD, env: { GITHUB_EVENT_NAME: 'push' } });
    expect(run).toMatchObject({ status: 0, report: { policy: null } });
  });
});

describe('a pull request that raises the bar, or changes what is neither', () => {
  it('passes, and the report says what it changes', async () => {
    const head = `${GOOD}fail-on: [mismatch, ambiguous, unverifiable]\noverrides: [prune.granularity=8]\n`;
    const run = await play({ head, base: { 'prunegate.yml': GOOD, 'm/prune.yaml': `${SPEC}# other\n` } });
    expect(run.status).toBe(0);
    expect(run.report.policy?.changes.map(({ key, isLowered }) => [key, isLowered])).toEqual([
      ['fail-on', false],
      ['overrides', false],
    ]);
    expect(run.report.policy?.changed).toEqual({ spec: true, lock: false, policy: true });
  });

  it('is compared in all that decides', async () => {
    const same = await play({ head: GOOD, base: GOOD });
    expect(same.report.policy).toMatchObject({ changes: [], changed: { spec: false, lock: false, policy: false } });
    const spec = await play({ head: GOOD, base: { 'prunegate.yml': GOOD, 'm/prune.yaml': 'threshold: 1' } });
    expect(spec.report.policy?.changed).toEqual({ spec: true, lock: false, policy: false });
  });
});

describe('mode merge', () => {
  const models = (...names: readonly string[]): string =>
    `models:\n${names.map((name) => `  - {name: ${name}, ${GOOD.trim().replaceAll('\n', ', ')}}\n`).join('')}`;
  /** One report, of the model a. */
  const merged = async (
    inputs: ActionOptions['inputs'],
    head: string | null,
    files: Readonly<Record<string, ApiFile>>,
    event = 'pull_request',
  ) => {
    const { outputs } = await runAction({
      inputs: { execute: 'false' },
      prepare: (workspace) => writeFileSync(join(workspace, 'prunegate.yml'), models('a')),
    });
    const report = readFileSync(outputs['report-json']!, 'utf8');
    const commit = event === 'workflow_run' ? 'f'.repeat(40) : BASE;
    const api = await startApi({ files: { [commit]: files } });
    open.push(api);
    return onPullRequest(api, {
      inputs: { mode: 'merge', reports: '*.json', policy: '', comment: 'never', ...inputs },
      env: { GITHUB_EVENT_NAME: event },
      ...(event === 'workflow_run' ? { event: payload('workflow_run') } : {}),
      prepare: (workspace) => {
        writeFileSync(join(workspace, 'a.json'), report);
        if (head !== null) writeFileSync(join(workspace, 'prunegate.yml'), head);
      },
    });
  };

  it('misses a model that the pull request took away, also where the plan no longer names it', async () => {
    const base = { 'prunegate.yml': models('a', 'b') };
    for (const inputs of [{}, { models: '{"model":["a"]}' }]) {
      const run = await merged(inputs, models('a'), base);
      expect(run.status).toBe(1);
      expect(run.outputs).toMatchObject({ verdict: 'unverifiable', conclusion: 'failure' });
      expect(run.summary).toContain('b was not checked');
    }
    expect(await merged({ policy: 'none' }, models('a'), base)).toMatchObject({ status: 0 });
    expect(await merged({}, models('a'), { 'prunegate.yml': models('a') })).toMatchObject({ status: 0 });
  });

  it('reads the default branch’s prunegate.yml on workflow_run, where nothing is checked out', async () => {
    const missing = await merged({}, null, { 'prunegate.yml': models('a', 'b') }, 'workflow_run');
    expect(missing.outputs).toMatchObject({ verdict: 'unverifiable', conclusion: 'failure' });
    const whole = await merged({}, null, { 'prunegate.yml': models('a') }, 'workflow_run');
    expect(whole).toMatchObject({ status: 0, summary: expect.not.stringContaining('completeness') });
    const none = await merged({}, null, { 'README.md': '' }, 'workflow_run');
    expect(none).toMatchObject({ status: 0, summary: expect.stringContaining('completeness was not checked') });
  });
});

describe('a base commit', () => {
  const WEAK = 'warn-only: true\nfail-on: []\ntolerance: 1\n';
  const keys = ['warn-only', 'fail-on', 'tolerance'];

  it('without a prunegate.yml has no policy: the defaults hold, and nothing is said of a file that asks for no less', async () => {
    expect(await play({ head: GOOD })).toMatchObject({
      status: 0,
      report: { notes: [], findings: [], policy: { base: 'absent', changed: { policy: true } } },
    });
    const run = await play({ head: `${BAD}${WEAK}` });
    expect(run.status).toBe(1);
    expect(run.report.notes).toHaveLength(3);
    for (const key of keys)
      expect(run.report.notes.join('\n')).toContain(`${key} is ignored: the base commit has no prunegate.yml`);
    expect(warnings(run)).toEqual([]);
  });

  it.each<readonly [string, Pick<Played, 'base' | 'faults'>]>([
    ['that may not be read', { base: GOOD, faults: [{ on: /contents/, play: { status: 403 } }] }],
    ['of a server in trouble', { base: GOOD, faults: [{ on: /contents/, play: { status: 500 } }] }],
    ['that is no YAML', { base: '[' }],
    ['of keys that are none', { base: 'warn-onli: true' }],
    ['that is no text', { base: { 'prunegate.yml': new Uint8Array([0xff, 0xfe]) } }],
    ['that is a link to nowhere', { base: { 'prunegate.yml': { type: 'symlink' } } }],
  ])('%s is one warning, and what would weaken the check is ignored and named', async (_, given) => {
    const run = await play({ ...given, head: `${BAD}${WEAK}` });
    expect(run.status).toBe(1);
    expect(warnings(run)).toHaveLength(1);
    expect(run.report).toMatchObject({ verdict: 'diverges', policy: { base: 'unknown', changed: { policy: null } } });
    expect(lowered(run)).toEqual([]);
    for (const key of keys)
      expect(run.report.notes.join('\n')).toContain(`${key} is ignored: what the base commit says is not known`);
  });

  it('that may not be read is one warning of a green run, too', async () => {
    const run = await play({ head: GOOD, faults: [{ on: /contents/, play: { status: 403 } }] });
    expect(run.status).toBe(0);
    expect(warnings(run)).toHaveLength(1);
  });
});

describe('a prunegate.yml that came by itself', () => {
  const stray = (config: string, inputs: ActionOptions['inputs'] = WRONG) =>
    runAction({ inputs, prepare: (workspace) => writeFileSync(join(workspace, 'prunegate.yml'), config) });

  it('cannot turn the gate green, run a command or change what is checked, and each key is named', async () => {
    const run = await stray(
      'warn-only: true\nfail-on: []\npruned: m/pruned.onnx\noverrides: [threshold=0]\nexport: {run: touch ran}\n',
    );
    expect(run.status).toBe(1);
    expect(run.outputs).toMatchObject({ verdict: 'diverges', conclusion: 'failure' });
    expect(existsSync(join(run.workspace, 'ran'))).toBe(false);
    for (const key of ['1: warn-only', '2: fail-on', '3: pruned', '4: overrides', '5: export'])
      expect(run.stdout).toContain(`prunegate.yml:${key} is ignored: the workflow`);
  });

  it('can make it stricter', async () => {
    const run = await stray('min-size-reduction: 1\nrequire-gpu: true\n', RIGHT);
    expect(run.status).toBe(1);
    expect(run.stdout).toContain('there is no GPU');
  });
});
