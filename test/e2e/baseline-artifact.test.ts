import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { strToU8, zipSync } from 'fflate';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../src/report/index.ts';
import type { ActionRun } from '../support/action.ts';
import { type ApiOptions, type ApiRun, type Fault, type GitHubApi, TOKEN } from '../support/github-api.ts';
import { onPullRequest, RIGHT, startApi, WRONG } from '../support/pull-request.ts';

const root = join(import.meta.dirname, '../..');
const work = mkdtempSync(join(tmpdir(), 'prunegate-base-'));
const NAME = 'prunegate-report';
/** The base branch of the pull request's payload. */
const BRANCH = 'master';

let report: string;
const open: { close(): Promise<void> }[] = [];

beforeAll(() => {
  const [dense, pruned, spec] = ['dense.onnx', 'pruned.onnx', 'prune.yaml'];
  const args = ['check', '--dense', dense, '--pruned', pruned, '--spec', spec, '--format', 'json'];
  const cwd = join(root, 'examples/mobilenet-v2');
  report = spawnSync(process.execPath, [join(root, 'dist/cli.cjs'), ...args], { cwd, encoding: 'utf8' }).stdout;
});
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

interface Store {
  readonly url: string;
  readonly requests: readonly IncomingMessage[];
  close(): Promise<void>;
}

/** Where GitHub keeps artifacts: another server, which is asked by an address that is a key itself. */
async function storeOf(bytes: Uint8Array, status = 200): Promise<Store> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    response.writeHead(status, { 'content-type': 'application/zip', ...(status === 302 ? { location: '/more' } : {}) });
    response.end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const store = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/blob?sig=SECRET`,
    requests,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
  open.push(store);
  return store;
}

const archive = (files: Readonly<Record<string, string>>): Uint8Array =>
  zipSync(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, strToU8(text)])));

interface Played {
  readonly bytes?: Uint8Array;
  readonly status?: number;
  readonly inputs?: Readonly<Record<string, string>>;
  readonly faults?: readonly Fault[];
  readonly runs?: (run: ApiRun) => readonly ApiRun[];
  readonly prepare?: (workspace: string) => void;
}

interface PlayedRun extends ActionRun {
  readonly api: GitHubApi;
  readonly store: Store;
  /** Of the last model. */
  readonly report: Report;
}

async function play(played: Played = {}): Promise<PlayedRun> {
  const { bytes = archive({ 'model/report.json': report }), inputs = {}, faults = [], runs = (run) => [run] } = played;
  const store = await storeOf(bytes, played.status);
  const run: ApiRun = { id: 77, branch: BRANCH, artifacts: [{ id: 5, name: NAME, location: store.url }] };
  const options: Partial<ApiOptions> = { faults, runs: runs(run) };
  const api = await startApi(options);
  open.push(api);
  const { prepare = () => {} } = played;
  const ran = await onPullRequest(api, {
    prepare,
    inputs: { ...RIGHT, comment: 'never', 'baseline-artifact': NAME, ...inputs },
  });
  expect(api.violations).toEqual([]);
  return {
    ...ran,
    api,
    store,
    report: JSON.parse(readFileSync(ran.outputs['report-json']!.split('\n').at(-1)!, 'utf8')),
  };
}

const noBaseline = ({ report: { notes } }: PlayedRun): string | undefined =>
  notes.find((note) => note.startsWith('There is no baseline: '));

describe('the base branch’s last report', () => {
  it('is read by its name, and what flipped since then is said', async () => {
    const run = await play({ inputs: WRONG });
    expect(run.report.baseline).toMatchObject({ file: `artifact ${NAME} of run 77`, problem: null, count: 12 });
    expect(run.summary).toContain(': 12 filters of conv1 and expanded\\_conv\\_depthwise flipped.');
    const asked = run.api.requests.map(({ path }) => path).filter((path) => path.includes('/actions/'));
    expect(asked).toEqual([
      expect.stringMatching(/\/workflows\/prune.yml\/runs\?.*branch=master/),
      expect.stringMatching(/\/runs\/77\/artifacts\?name=prunegate-report/),
      expect.stringMatching(/\/artifacts\/5\/zip$/),
    ]);
  });

  it('passes the gate where no filter flipped, and fails it where too many did', async () => {
    const gate = { 'max-filters-flipped': '3', 'fail-on': 'none' };
    expect(await play({ inputs: gate })).toMatchObject({ status: 0, outputs: { verdict: 'conforms' } });
    const red = await play({ inputs: { ...WRONG, 'max-filters-flipped': '3' } });
    expect(red.status).toBe(1);
    expect(red.report.findings.map(({ kind }) => kind)).toContain('gate');
  });

  it('is asked for without the token where it lies, and the address is nowhere shown', async () => {
    const run = await play();
    expect(run.report.baseline?.problem).toBeNull();
    const [request, another] = run.store.requests;
    expect(another).toBeUndefined();
    expect(JSON.stringify(request!.headers)).not.toContain(TOKEN);
    expect(request!.headers.authorization).toBeUndefined();
    expect(`${run.stdout}${run.summary}`).not.toContain('SECRET');
  });

  it('is one of several models, or a file without an archive', async () => {
    const other = JSON.stringify({ ...JSON.parse(report), model: 'other' });
    const several = await play({ bytes: archive({ 'a/report.json': other, 'b/report.json': report, 'b/x.html': '' }) });
    expect(several.report.baseline).toMatchObject({ problem: null, count: 0 });
    const plain = await play({ bytes: strToU8(report) });
    expect(plain.report.baseline).toMatchObject({ problem: null, count: 0 });
  });

  it('is that of each model where two are checked at a time', async () => {
    const other = JSON.stringify({ ...JSON.parse(report), model: 'other' });
    const run = await play({
      bytes: archive({ 'a/report.json': other, 'b/report.json': report }),
      inputs: { dense: '', pruned: '', spec: '' },
      prepare: (workspace) => {
        // No model, and so large that two are taken at a time; it takes no room on the disk.
        writeFileSync(join(workspace, 'large.onnx'), '');
        truncateSync(join(workspace, 'large.onnx'), 1e9);
        const naive = 'dense: m/dense.onnx, pruned: m/pruned-naive.onnx, spec: m/prune.yaml';
        const large = 'dense: large.onnx, pruned: m/pruned.onnx, spec: m/prune.yaml';
        writeFileSync(
          join(workspace, 'prunegate.yml'),
          `models:\n  - { name: large, ${large} }\n  - { name: new, ${naive} }\n  - { name: other, ${naive} }\n`,
        );
      },
    });
    expect(run.report).toMatchObject({ model: 'other', baseline: { problem: null, count: 12 } });
    const [first] = run.outputs['report-json']!.split('\n');
    const { model, baseline } = JSON.parse(readFileSync(first!, 'utf8'));
    expect({ model, problem: baseline.problem }).toEqual({
      model: 'new',
      problem: expect.stringContaining('not of new'),
    });
  });

  it('is not taken from what others ran, or what failed: a note says how to have one', async () => {
    const others: readonly Partial<ApiRun>[] = [
      ...[{ branch: 'next' }, { conclusion: 'failure' }, { isOfFork: true }, { workflow: 'other.yml' }],
      ...['pull_request', 'pull_request_target', 'workflow_run', 'issue_comment'].map((event) => ({ event })),
    ];
    const run = await play({ runs: (own) => others.map((other) => ({ ...own, ...other })) });
    expect(run.status).toBe(0);
    expect(noBaseline(run)).toContain(
      'master has no successful run of prune.yml: let it run on push to master, and upload the report there',
    );
    expect(run.store.requests).toEqual([]);
  });

  it.each<readonly [string, (run: ApiRun) => readonly ApiRun[], string]>([
    [
      'one without it',
      (run) => [{ ...run, artifacts: [] }],
      'left no artifact prunegate-report: upload what the output',
    ],
    ['one that expired', (run) => [{ ...run, artifacts: [{ ...run.artifacts![0]!, isExpired: true }] }], 'has expired'],
    ['one too large', (run) => [{ ...run, artifacts: [{ ...run.artifacts![0]!, bytes: 1e9 }] }], 'more than 64 MiB'],
  ])('is not taken from %s: a note says how to have one', async (_, runs, why) => {
    const run = await play({ runs });
    expect(run.status).toBe(0);
    expect(noBaseline(run)).toContain(why);
    expect(run.store.requests).toEqual([]);
  });

  it('is of the newest run that left one', async () => {
    const run = await play({ runs: (own) => [{ id: 80, branch: BRANCH, artifacts: [] }, own] });
    expect(run.report.baseline?.file).toBe(`artifact ${NAME} of run 77`);
  });

  it.each<readonly [string, Played, string]>([
    ['damaged', { bytes: strToU8('PK\u0003\u0004') }, 'is not a readable archive: it is cut off'],
    ['of something else', { bytes: archive({ 'a.txt': 'x' }) }, 'holds no report.json'],
    ['of a forged report', { bytes: archive({ 'report.json': '{"schemaVersion":1}' }) }, 'report.json'],
    ['of a newer version', { bytes: archive({ 'report.json': '{"schemaVersion":2}' }) }, 'is of schemaVersion 2'],
    ['a bomb', { bytes: zipSync({ 'report.json': new Uint8Array(129 << 20) }) }, 'more than the'],
    ['gone', { status: 404 }, 'answered with the status 404'],
    ['elsewhere again', { status: 302 }, 'answered with the status 302'],
    ['endless', { bytes: new Uint8Array(65 << 20) }, 'answered with more than 64 MiB'],
  ])('that is %s is none, which the gate does not pass', async (_, played, why) => {
    const run = await play({ ...played, inputs: { 'max-filters-flipped': '3' } });
    expect(noBaseline(run)).toContain(why);
    expect(run).toMatchObject({ status: 1, outputs: { verdict: 'unverifiable' } });
    expect(run.log.annotations.map(({ message }) => message).join()).not.toContain('bug');
  });

  it.each<readonly [string, Fault, string]>([
    [
      'may not be read',
      { on: /actions\/workflows/, play: { status: 403, message: 'Resource not accessible by integration' } },
      'Give the job the permission actions: read, or set baseline to a report.json',
    ],
    ['is answered oddly', { on: /actions\/runs/, play: { status: 200, body: '{}' } }, 'none that GitHub describes'],
    [
      'leads to a file of the runner',
      { on: /\/zip/, play: { status: 302, headers: { location: 'file:///etc/passwd' } } },
      'names no address',
    ],
    ['leads nowhere', { on: /\/zip/, play: { status: 302 } }, 'names no address'],
  ])('that %s is none, and says what to do', async (_, fault, why) => {
    const run = await play({ faults: [fault] });
    expect(run.status).toBe(0);
    expect(noBaseline(run)).toContain(why);
    expect(run.store.requests).toEqual([]);
  });

  it('is what the workflow says, whatever else a prunegate.yml would compare with', async () => {
    const inputs = { ...WRONG, 'max-filters-flipped': '3', baseline: 'm/own.json' };
    const api = await startApi({});
    open.push(api);
    const both = await onPullRequest(api, { inputs: { ...inputs, 'baseline-artifact': NAME } });
    expect(both.log.annotations[0]!.message).toContain('input baseline-artifact: is given beside baseline');
  });
});
