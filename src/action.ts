import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as core from '@actions/core';
import { type Checked, check } from './check.ts';
import { InputError, loadRequests, type ModelRequest, settingsFromInputs } from './config/index.ts';
import { annotationsOf, neutral, writeSummary } from './github/index.ts';
import { makeReportSet, type Report, renderMarkdown, renderText, writeReport } from './report/index.ts';
import { VERSION } from './version.ts';

interface Outcome {
  readonly request: ModelRequest;
  readonly checked: Checked;
  readonly reportPath: string;
}

async function main(): Promise<void> {
  const requests = loadRequests(settingsFromInputs(core.getInput), process.cwd());
  const outcomes: Outcome[] = [];
  for (const request of requests) outcomes.push(await checkOne(request));
  const reports = outcomes.map(({ checked }) => checked.report);
  const set = makeReportSet(VERSION, reports);
  publishAnnotations(outcomes);
  const trouble = writeSummary(process.env['GITHUB_STEP_SUMMARY'], renderMarkdown(set), shortSummary(reports));
  if (trouble !== null) core.info(trouble);
  publishOutputs(outcomes, set.verdict, set.conclusion);
  if (set.conclusion === 'failure') process.exitCode = 1;
}

async function checkOne(request: ModelRequest): Promise<Outcome> {
  const checked = await check(request, 'check', {
    version: VERSION,
    isHashed: true,
    log: (line) => core.info(neutral(line)),
  });
  core.info(neutral(renderText(checked.report, { all: false, specSummary: checked.spec?.summary ?? null })));
  const folder = request.reportDir ?? join(process.env['RUNNER_TEMP'] || tmpdir(), 'prunegate');
  return { request, checked, reportPath: writeReport(checked.report, folder) };
}

/** The limit of ten is the step's, over all models: each model's headline comes before any model's details. */
function publishAnnotations(outcomes: readonly Outcome[]): void {
  const lists = outcomes
    .filter(({ request }) => request.annotations)
    .map(({ checked }) =>
      annotationsOf(checked.report, checked.spec, checked.report.conclusion === 'failure' ? 'error' : 'warning'),
    );
  const ordered = [...lists.map(([headline]) => headline), ...lists.flatMap(([, ...findings]) => findings)];
  for (const annotation of ordered.slice(0, 10)) {
    if (annotation === undefined) continue;
    const { level, title, message, file, line } = annotation;
    const place = { title, ...(file === null ? {} : { file }), ...(line === null ? {} : { startLine: line }) };
    if (level === 'error') core.error(message, place);
    else core.warning(message, place);
  }
}

function publishOutputs(
  outcomes: readonly Outcome[],
  verdict: Report['verdict'],
  conclusion: Report['conclusion'],
): void {
  const layers = outcomes.flatMap(({ checked }) => checked.report.layers);
  const count = (wanted: string): number => layers.filter((layer) => layer.verdict === wanted).length;
  core.setOutput('verdict', verdict ?? '');
  core.setOutput('conclusion', conclusion ?? '');
  core.setOutput(
    'mismatched-layers',
    JSON.stringify(layers.filter((layer) => layer.verdict === 'mismatch').map((layer) => layer.name)),
  );
  core.setOutput('matched', count('match'));
  core.setOutput('mismatched', count('mismatch'));
  core.setOutput('ambiguous', count('ambiguous'));
  core.setOutput('unverifiable', count('unverifiable'));
  core.setOutput('report-json', outcomes.map(({ reportPath }) => reportPath).join('\n'));
}

function shortSummary(reports: readonly Report[]): string {
  return reports
    .map(
      (report) =>
        `prunegate: ${report.totals.mismatch} of ${report.totals.layers} layers diverge, ${report.totals.unverifiable} could not be verified. The JSON report has them all.`,
    )
    .join('\n\n');
}

/** Whatever happens, the step fails and its outputs say so: a gate that crashed must not look as if it had passed. */
function fail(error: unknown): void {
  core.setOutput('verdict', '');
  core.setOutput('conclusion', 'failure');
  if (error instanceof InputError) {
    const { file, line } = error.details;
    core.error(error.message, {
      title: 'prunegate: check your configuration',
      ...(file === undefined ? {} : { file }),
      ...(line === undefined ? {} : { startLine: line }),
    });
  } else {
    core.error(error instanceof Error ? (error.stack ?? error.message) : String(error), {
      title: `prunegate ${VERSION}: this is a bug, please report it`,
    });
  }
  process.exitCode = 1;
}

process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
main().catch(fail);
