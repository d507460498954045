import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as core from '@actions/core';
import { type ModelRequest, type Settings, settingsFromInputs } from './config/index.ts';
import { InputError } from './errors/input-error.ts';
import {
  annotateLowered,
  type Channel,
  channelOf,
  failureOf,
  type Outputs,
  printAnnotation,
  printGroup,
  printLine,
  publish,
  publishFailure,
  setOutputs,
  verdictOutputs,
} from './github/index.ts';
import { readerOf } from './pipeline/answer.ts';
import type { Checked } from './pipeline/checked.ts';
import { type Confines, confinesOf, runtimeSources, withoutQuotes } from './pipeline/confine.ts';
import { type Asking, eachModel } from './pipeline/each-model.ts';
import type { Host } from './pipeline/host.ts';
import { plan } from './pipeline/plan.ts';
import { type JudgedRequests, loadUnderPolicy } from './pipeline/policy.ts';
import { policyHost } from './pipeline/policy-host.ts';
import { CancelledError } from './process/cancel.ts';
import { groupLog } from './process/log.ts';
import {
  ANYBODY,
  escaped,
  makeReportSet,
  REPORT_FORMATS,
  type ReportFiles,
  type ReportSet,
  renderOverview,
  writePageOfAll,
  writePages,
  writeReports,
} from './report/index.ts';
import { VERSION } from './version.ts';

interface Outcome {
  readonly checked: Checked;
  readonly files: ReportFiles;
}

async function main(): Promise<void> {
  const settings = settingsFromInputs(core.getInput);
  const { githubToken: token = null } = settings;
  if (token !== null) core.setSecret(token);
  const channel = channelOf({ token, userAgent: `prunegate/${VERSION}` }, process.env, core.getInput);
  const confines = confinesOf(channel.event, process.env);
  let requests: readonly ModelRequest[] = [];
  try {
    if (settings.mode === 'merge') return await mergeAll(settings, channel);
    const judged = await loadUnderPolicy(settings, process.cwd(), policyHost(channel));
    requests = judged.requests;
    if (settings.mode === 'plan') return publishPlan(judged, channel);
    await checkAll(requests, confines, channel, await baselineOf(settings, channel));
  } catch (thrown) {
    const error = withoutQuotes(thrown, confines);
    fail(error);
    // There is no time, and nothing was found.
    if (error instanceof CancelledError) return;
    const comment = requests[0]?.comment ?? settings.comment ?? 'on-failure';
    const why = error instanceof InputError ? escaped(error.message) : 'It failed itself; the log of the run has more.';
    await publishFailure(why, comment, channel);
  }
}

/** The earlier run that the workflow names by its artifact; undefined where it names none. */
async function baselineOf(settings: Settings, channel: Channel): Promise<Host['baseline']> {
  const { baselineArtifact: name, baseline } = settings;
  if (name === undefined) return undefined;
  if (baseline !== undefined)
    throw new InputError('is given beside baseline, which names another report: give one of them', {
      key: 'input baseline-artifact',
      value: name,
    });
  const { baselineArtifact } = await import('./pipeline/baseline-artifact.ts');
  return baselineArtifact(name, channel);
}

async function checkAll(
  requests: readonly ModelRequest[],
  confines: Confines | null,
  channel: Channel,
  baseline: Host['baseline'],
): Promise<void> {
  const { workspace: root = process.cwd() } = channel;
  const folderOf = ({ reportDir }: ModelRequest): string => reportFolder(reportDir, channel);
  const asking: Asking = {
    command: 'check',
    confines,
    ...(baseline === undefined ? {} : { baseline }),
    out: { line: printLine, redraw: null },
    hostOf: (request) => ({ version: VERSION, root, isHashed: true, isPictured: true, folder: folderOf(request) }),
    partsOf: (request) => ({
      commandLog: groupLog(() => process.stdout),
      runtime: runtimeSources(request, confines, true),
    }),
  };
  const { results, errors } = await eachModel(requests, asking, (checked, request): Outcome => {
    const text = REPORT_FORMATS.text.render(checked.report, ANYBODY);
    if (requests.length > 1) printGroup(`${checked.report.model}: ${checked.report.verdict}`, text);
    else printLine(text);
    return { checked, files: writeReports(checked.report, folderOf(request), request.formats) };
  });
  const reports = results.map(({ checked }) => checked.report);
  const set = makeReportSet(VERSION, reports, errors);
  if (requests.length > 1) printLine(renderOverview(set, ANYBODY));
  const [first] = requests;
  const reader = readerOf(
    results.map(({ checked }) => checked),
    true,
  );
  const page = first === undefined ? null : writePages(set, reportFolder(first.reportDir, channel), reader);
  // Before anything that may take time or fail: the gate is decided.
  decide(
    set,
    results.map(({ files }) => files),
    page,
  );
  const { annotations = true, comment = 'never', checkRun = false } = first ?? {};
  const { commentUrl } = await publish({ set, annotations, isRepeated: false, comment, checkRun }, channel);
  setCommentUrl(commentUrl);
}

function reportFolder(reportDir: string | null, { temporary = tmpdir(), step }: Channel): string {
  return reportDir ?? join(temporary, 'prunegate', step);
}

/** The models as a matrix: nothing is checked, and there is no verdict. One that asks for less than its base does not get so far. */
function publishPlan({ requests, policy }: JudgedRequests, { workspace }: Channel): void {
  const matrix = JSON.stringify(plan(requests));
  output({ matrix });
  printLine(matrix);
  const lowered = policy?.mode === 'base' ? policy.changes.filter(({ isLowered }) => isLowered) : [];
  annotateLowered(lowered, workspace);
  if (lowered.length === 0) return;
  output({ conclusion: 'failure' });
  process.exitCode = 1;
}

/** The reports of many legs as one: the legs have put their findings where reviewers look, so they are not annotated again. */
async function mergeAll(settings: Settings, channel: Channel): Promise<void> {
  const { merge, mergeRequest } = await import('./pipeline/merge.ts');
  const at = { file: null, line: null, key: 'input reports' };
  const request = await mergeRequest(settings, settings.reports ?? [], at, process.cwd(), policyHost(channel));
  const { set } = merge(request, VERSION);
  printLine(REPORT_FORMATS.text.render(set, ANYBODY));
  const { workingDirectory = '.', reportDir } = settings;
  // Named by the workflow alone: a prunegate.yml that is not merged yet must not say where to write.
  const folder = reportFolder(reportDir === undefined ? null : resolve(workingDirectory, reportDir), channel);
  // What the checks measured is not in their reports, so that this page has no values.
  const page = writePageOfAll(set, folder, ANYBODY);
  decide(set, request.formats.length > 0 ? [writeReports(set, folder, request.formats)] : [], page);
  const { commentUrl } = await publish({ set, isRepeated: true, ...request.publishing }, channel);
  setCommentUrl(commentUrl);
}

/** Trouble has been reported with the verdict's outputs. */
function setCommentUrl(url: string | null): void {
  setOutputs({ 'comment-url': url ?? '' });
}

function decide(set: ReportSet, files: readonly ReportFiles[], page: string | null): void {
  if (set.conclusion === 'failure') process.exitCode = 1;
  output(verdictOutputs(set, files, page));
}

/** A gate whose outputs nobody can read does not pass; what else is published stands. */
function output(outputs: Outputs): void {
  const trouble = setOutputs(outputs);
  if (trouble === null) return;
  printAnnotation({ level: 'error', title: 'prunegate: no outputs', message: trouble, file: null, line: null });
  process.exitCode = 1;
}

/** Whatever happens, the step fails and its outputs say so: a gate that crashed must not look as if it had passed. */
function fail(error: unknown): void {
  output({ verdict: '', conclusion: 'failure' });
  const failure = failureOf(error, VERSION, process.env['GITHUB_WORKSPACE']);
  if (typeof failure === 'string') printLine(failure);
  else printAnnotation(failure);
  process.exitCode = 1;
}

/** At once: what goes on after a crash could still set the outputs of a pass. */
function crash(error: unknown): void {
  fail(error);
  process.exit(1);
}

process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);
// Node ends as if all were well where nothing is left that could settle what is waited for.
const unsettled = (): void => crash(new Error('it ended without a result'));
process.once('beforeExit', unsettled);
main()
  .catch(crash)
  .finally(() => process.off('beforeExit', unsettled));
