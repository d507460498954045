import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as core from '@actions/core';
import { type ModelRequest, type Settings, settingsFromInputs } from './config/index.ts';
import { InputError } from './errors/input-error.ts';
import {
  type Channel,
  type Client,
  clientOf,
  commentKey,
  inWorkspace,
  isUnmerged,
  neutral,
  type Outputs,
  pathInRepository,
  printAnnotation,
  publish,
  publishFailure,
  readBaseFile,
  readEvent,
  refusalToRun,
  setOutputs,
} from './github/index.ts';
import { check } from './pipeline/check.ts';
import type { Checked } from './pipeline/checked.ts';
import { type Confines, confine, withoutQuotes } from './pipeline/confine.ts';
import { eachModel } from './pipeline/each-model.ts';
import { plan } from './pipeline/plan.ts';
import { type JudgedRequests, loadUnderPolicy, type PolicyHost } from './pipeline/policy.ts';
import { CancelledError } from './process/cancel.ts';
import { groupLog } from './process/log.ts';
import { ANYBODY, escaped, makeReportSet, REPORT_FORMATS, type ReportSet, writeReport } from './report/index.ts';
import { loweredFinding } from './verdict/index.ts';
import { VERSION } from './version.ts';

/** Inputs that tell one step of a workflow, or one leg of a matrix, from another. */
const NAMING_INPUTS = [
  ...['mode', 'config', 'working-directory', 'model', 'dense', 'dense-folded', 'pruned', 'spec', 'reported', 'reports'],
  ...['overrides', 'folding', 'tolerance', 'execution-provider'],
];

interface Outcome {
  readonly request: ModelRequest;
  readonly checked: Checked;
  readonly reportPath: string;
}

async function main(): Promise<void> {
  const settings = settingsFromInputs(core.getInput);
  const channel = channelOf(settings);
  let requests: readonly ModelRequest[] = [];
  try {
    if (settings.mode === 'merge') return await mergeAll(settings, channel);
    const judged = await loadUnderPolicy(settings, process.cwd(), policyHost(channel));
    requests = judged.requests;
    if (settings.mode === 'plan') return publishPlan(judged);
    await checkAll(requests, channel);
  } catch (thrown) {
    const error =
      thrown instanceof InputError && isUnmerged(channel.event) ? withoutQuotes(thrown, confines(channel)) : thrown;
    fail(error);
    // There is no time, and nothing was found.
    if (error instanceof CancelledError) return;
    const comment = requests[0]?.comment ?? settings.comment ?? 'on-failure';
    const told =
      error instanceof InputError ? escaped(error.message) : 'It failed itself; the log of the run has more.';
    await publishFailure(told, comment, channel);
  }
}

function channelOf({ githubToken }: Settings): Channel {
  if (githubToken !== undefined) core.setSecret(githubToken);
  return {
    event: readEvent(process.env),
    token: githubToken ?? null,
    key: commentKey(process.env, Object.fromEntries(NAMING_INPUTS.map((name) => [name, core.getInput(name)]))),
    userAgent: `prunegate/${VERSION}`,
    summaryFile: process.env['GITHUB_STEP_SUMMARY'],
  };
}

/** The base commit is asked by the job's token. */
function policyHost(channel: Channel): PolicyHost {
  const { event } = channel;
  let client: Promise<Client> | null = null;
  return {
    event,
    root: process.env['GITHUB_WORKSPACE'] || process.cwd(),
    pathInRepository: (file) => pathInRepository(file, process.env['GITHUB_WORKSPACE']),
    async readBase(path) {
      client ??= clientOf(channel, event);
      return readBaseFile(await client, event, path);
    },
    async warn(message) {
      const title = 'prunegate: the policy of the base commit is not known';
      // Who gives no token does not mean it to be asked.
      if ((await client)?.kind === 'none') info(message);
      else printAnnotation({ level: 'warning', title, message, file: null, line: null });
    },
  };
}

async function checkAll(requests: readonly ModelRequest[], channel: Channel): Promise<void> {
  const { results: outcomes, errors } = await eachModel(requests, info, (request) => checkOne(request, channel));
  const set = makeReportSet(
    VERSION,
    outcomes.map(({ checked }) => checked.report),
    errors,
  );
  // Before anything that may take time or fail: the gate is decided.
  publishOutputs(
    set,
    outcomes.map(({ reportPath }) => reportPath),
  );
  const { annotations = true, comment = 'never', checkRun = false } = requests[0] ?? {};
  const { commentUrl } = await publish(
    {
      set,
      annotations,
      isRetold: false,
      comment,
      checkRun,
    },
    channel,
  );
  setCommentUrl(commentUrl);
}

/** How far what a pull request names may reach. */
function confines({ event }: Channel): Confines {
  return {
    root: process.env['GITHUB_WORKSPACE'] || process.cwd(),
    temporary: process.env['RUNNER_TEMP'],
    isFork: event?.isFork ?? false,
  };
}

async function checkOne(request: ModelRequest, channel: Channel): Promise<Outcome> {
  const { event } = channel;
  if (isUnmerged(event)) confine(request, confines(channel));
  const folder = request.reportDir ?? join(process.env['RUNNER_TEMP'] || tmpdir(), 'prunegate');
  const checked = await check(request, {
    version: VERSION,
    root: process.env['GITHUB_WORKSPACE'] || process.cwd(),
    isHashed: true,
    folder,
    log: info,
    commandLog: groupLog(process.stdout),
    runtime: {
      project: process.cwd(),
      mayInstall: true,
      refusal: request.allowUntrustedCommands ? null : refusalToRun(event),
    },
  });
  info(REPORT_FORMATS.text.render(checked.report, ANYBODY));
  return { request, checked, reportPath: writeReport(checked.report, folder) };
}

/** The models as a matrix: nothing is checked, and no verdict is told. One that asks for less than its base does not get so far. */
function publishPlan({ requests, policy }: JudgedRequests): void {
  const matrix = JSON.stringify(plan(requests));
  output({ matrix });
  info(matrix);
  const lowered = policy?.mode === 'base' ? policy.changes.filter(({ isLowered }) => isLowered) : [];
  for (const change of lowered) {
    const { title, details, place } = loweredFinding(change);
    const message = details.join('\n');
    printAnnotation({
      level: 'error',
      title: `prunegate: ${title}`,
      message,
      ...inWorkspace(place, process.env['GITHUB_WORKSPACE']),
    });
  }
  if (lowered.length === 0) return;
  output({ conclusion: 'failure' });
  process.exitCode = 1;
}

/** The reports of many legs, told as one: the legs have put their findings where reviewers look, so they are not annotated again. */
async function mergeAll(settings: Settings, channel: Channel): Promise<void> {
  const { merge, mergeRequest } = await import('./pipeline/merge.ts');
  const at = { file: null, line: null, key: 'input reports' };
  const host = policyHost(channel);
  const request = await mergeRequest(settings, settings.reports ?? [], at, process.cwd(), host);
  const { set } = merge(request, VERSION);
  info(REPORT_FORMATS.text.render(set, ANYBODY));
  publishOutputs(set, []);
  const { commentUrl } = await publish({ set, isRetold: true, ...request.publishing }, channel);
  setCommentUrl(commentUrl);
}

function info(line: string): void {
  core.info(neutral(line));
}

function publishOutputs({ reports, verdict, conclusion }: ReportSet, paths: readonly string[]): void {
  if (conclusion === 'failure') process.exitCode = 1;
  const layers = reports.flatMap((report) => report.layers);
  const named = ({ model, layers: own }: ReportSet['reports'][number]): readonly string[] =>
    own.flatMap(({ name, verdict: found }) =>
      found !== 'mismatch' ? [] : reports.length > 1 ? [`${model}: ${name}`] : [name],
    );
  const count = (wanted: string): number => layers.filter((layer) => layer.verdict === wanted).length;
  output({
    verdict: verdict ?? '',
    conclusion: conclusion ?? '',
    'mismatched-layers': JSON.stringify(reports.flatMap(named)),
    matched: count('match'),
    mismatched: count('mismatch'),
    ambiguous: count('ambiguous'),
    unverifiable: count('unverifiable'),
    'report-json': paths.join('\n'),
  });
}

/** Trouble has been reported with the verdict's outputs. */
function setCommentUrl(url: string | null): void {
  setOutputs({ 'comment-url': url ?? '' });
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
  if (error instanceof InputError) {
    const { file = null, line = null, output = [] } = error.details;
    printAnnotation({
      level: 'error',
      title: output.length === 0 ? 'prunegate: check your configuration' : 'prunegate: a command failed',
      message: [error.message, ...output].join('\n'),
      ...inWorkspace({ file, line }, process.env['GITHUB_WORKSPACE']),
    });
  } else if (error instanceof CancelledError) {
    core.info(neutral(error.message));
  } else {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const title = `prunegate ${VERSION}: this is a bug, please report it`;
    printAnnotation({ level: 'error', title, message, file: null, line: null });
  }
  process.exitCode = 1;
}

/** At once: what goes on after a crash could still set the outputs of a pass. */
function crash(error: unknown): void {
  fail(error);
  process.exit(1);
}

process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);
main().catch(crash);
