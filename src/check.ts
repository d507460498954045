import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { NamedBytes } from './bytes/index.ts';
import type { FailOn, ModelRequest } from './config/index.ts';
import { type Expectation, MAX_REPORTED_BYTES, readReported, readSpec, type Spec } from './dialects/index.ts';
import { oneLine } from './errors/input-error.ts';
import { inputErrorAt, type Place } from './errors/place.ts';
import { executeModels, judgeModels, NOT_EXECUTED } from './execute-models.ts';
import type { RuntimeSources } from './execution/index.ts';
import { type ModelFile, openModel, readStart } from './files/index.ts';

import { type Made, makeModels } from './make-models.ts';
import { type Network, readNetwork } from './network/index.ts';
import type { CommandLog } from './process/index.ts';
import type { PruningJob } from './prune.ts';
import {
  foldedReference,
  isVerified,
  type Recovery,
  recoverRetention,
  underDenseNames,
  underNamesOf,
} from './recovery/index.ts';
import { type Conclusion, makeReport, type Report } from './report/index.ts';
import { judge } from './verdict/index.ts';

/** What is wanted: both sides and their verdicts, one side alone, or both models executed and compared. */
export type Scope = 'check' | 'expect' | 'recover' | 'run';

/** What a check needs of the program around it. */
export interface Host {
  /** prunegate's own version, for the report. */
  readonly version: string;
  /** Tells the progress of long work, a line at a time. Never part of the result. */
  log(line: string): void;
  /** Folder for what a check makes where no report-dir is given; without it, one that goes with the check. */
  readonly folder?: string;
  /** Whether the report shall hold the models' SHA-256, which takes a second reading of every byte. */
  readonly isHashed: boolean;
  /** Where the output of the user's commands is shown; by lines of `log` where there is none. */
  readonly commandLog?: CommandLog;
  /** Where onnxruntime may come from; from the project alone where nothing is said. */
  readonly runtime?: RuntimeSources;
}

export interface Checked {
  readonly report: Report;
  /** Settings of the spec in one line; null where no spec was read. */
  readonly spec: Spec | null;
  /** The command that explains the spec's decisions on this model. */
  readonly explain: string | null;
  /** 0 fine, 1 diverges, 3 unverifiable (product contract). */
  readonly exitCode: 0 | 1 | 3;
}

/**
 * Checks one model: reads both networks, recomputes what should be retained, recovers what is, and judges.
 * @throws InputError for whatever the user can mend
 */
export async function check(request: ModelRequest, scope: Scope, host: Host): Promise<Checked> {
  refuseUnsupported(request);
  const spec = scope === 'recover' || scope === 'run' ? null : readSpec(request.spec, request.at('spec'));
  const made: Made = scope === 'check' ? await makeModels(request, host) : { commands: [], gpus: null };
  const opened: ModelFile[] = [];
  const read = (path: string): Network => {
    const file = openModel(path);
    opened.push(file);
    return readNetwork(file.model);
  };
  const folder = temporaryFolder();
  try {
    const dense = read(request.dense);
    const expectation = spec === null ? null : spec.dialect.expect(dense, spec.spec, request.folding);
    const prunedPath =
      scope === 'check' &&
      request.pruned === null &&
      request.commands.prune === null &&
      spec !== null &&
      expectation !== null
        ? await builtIn(expectation, { dense, dialect: spec.dialect.name, spec: spec.spec }, request, host, folder)
        : request.pruned;
    const pruned = scope === 'expect' ? null : read(required(request, prunedPath));
    const folded = scope === 'check' && request.denseFolded !== null ? read(request.denseFolded) : null;
    const reference = folded === null ? dense : foldedExport(dense, folded, request);
    // Held against an unfolded pruned model, the unfolded dense one tells more.
    const isFolded =
      pruned === null || [...pruned.prunable.values()].every(({ norms }) => norms.every((n) => n === null));
    const reported =
      spec === null || request.reported === null
        ? null
        : readReported(reportedFile(request.reported, request.at('reported')), request.at('reported'), (text) =>
            spec.dialect.readLog(text, dense),
          );
    const preferred = (layer: string) => expectation?.layers.get(layer)?.expected ?? null;
    const recovery =
      pruned === null ? null : underNamesOf(dense, recoverRetention(isFolded ? reference : dense, pruned, preferred));
    const retention = judge({
      dense,
      expectation,
      recovery,
      reported,
      variants: (actual) =>
        spec === null || pruned === null
          ? []
          : spec.dialect.variants(dense, spec.spec, {
              folding: request.folding,
              prunedFile: pruned.model.name,
              actual,
            }),
      locked: null,
      tolerance: request.tolerance,
    });
    const executed =
      pruned === null || recovery === null || !(scope === 'run' || (scope === 'check' && request.execution.isWanted))
        ? NOT_EXECUTED
        : await executeModels(
            {
              dense,
              pruned: underDenseNames(pruned, recovery),
              recovery,
              retention,
              stated: spec?.spec.inputSizes ?? null,
            },
            request,
            host,
          );
    const judgement =
      pruned === null || (scope !== 'check' && scope !== 'run')
        ? retention
        : judgeModels(retention, executed, { dense, pruned }, request, scope === 'run');
    const gate =
      scope === 'check' || scope === 'run'
        ? gateOf(
            judgement.verdict,
            judgement.layers.some((layer) => layer.verdict === 'ambiguous'),
            request,
          )
        : null;
    const report = makeReport({
      version: host.version,
      model: request.name ?? 'model',
      dialect: spec?.dialect.name ?? null,
      spec: spec?.spec ?? null,
      dense,
      pruned,
      groups: expectation?.groups ?? [],
      refusal: expectation?.refusal ?? null,
      lints:
        spec === null || expectation === null
          ? []
          : spec.dialect.lint(dense, spec.spec, expectation, pruned?.model.name ?? null),
      judgement,
      execution: executed.execution,
      conclusion: gate?.conclusion ?? null,
      isHashed: host.isHashed,
      made,
    });
    return {
      report,
      spec: spec?.spec ?? null,
      explain: explainCommand(request),
      exitCode: gate?.exitCode ?? (isComplete(expectation, recovery, request.tolerance) ? 0 : 3),
    };
  } finally {
    for (const file of opened) file.close();
    folder.remove();
  }
}

/** Neither a pruned model nor a command that makes one: the built-in pruner applies the spec. */
async function builtIn(
  expectation: Expectation,
  job: PruningJob,
  request: ModelRequest,
  host: Host,
  temporary: TemporaryFolder,
): Promise<string> {
  const { pruneAs } = await import('./prune.ts');
  const folder = request.reportDir ?? host.folder ?? temporary.path();
  const { path, notes } = pruneAs(expectation, job, join(folder, request.name ?? 'model', 'pruned.onnx'), host.version);
  const isKept = request.reportDir !== null || host.folder !== undefined;
  host.log(
    `no pruned model is given: the built-in pruner wrote ${oneLine(path)}${isKept ? '' : ', which goes with this check; report-dir keeps it'}`,
  );
  for (const note of notes) host.log(oneLine(note));
  return path;
}

interface TemporaryFolder {
  /** Made when it is first asked for. */
  path(): string;
  remove(): void;
}

function temporaryFolder(): TemporaryFolder {
  let made: string | null = null;
  return {
    path() {
      made ??= mkdtempSync(join(tmpdir(), 'prunegate-'));
      return made;
    },
    remove() {
      if (made !== null) rmSync(made, { recursive: true, force: true });
    },
  };
}

/** The folded export of the dense model, its layers named like the dense model's, once it is sure to be the same model. */
function foldedExport(dense: Network, folded: Network, request: ModelRequest): Network {
  const reference = foldedReference(dense, folded);
  if ('network' in reference) return reference.network;
  throw inputErrorAt(
    request.at('denseFolded'),
    `is not the dense model with BatchNorm folded: ${reference.difference}`,
    request.denseFolded,
  );
}

function explainCommand({ name, dense, spec }: ModelRequest): string | null {
  if (spec === null) return null;
  const word = (text: string): string => (/^[\w./@%+=:,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  // A spec that stands in prunegate.yml is found by the model's name.
  const isInline = ['models', 'spec'].includes(String(spec.sectionPath[0]));
  const model = isInline
    ? name === null
      ? ''
      : ` --model ${word(name)}`
    : ` --dense ${word(dense)} --spec ${word(spec.file)}`;
  return `prunegate explain${oneLine(model)}`;
}

/** The numbers behind what one layer, or the whole model, should retain. */
export function explain(request: ModelRequest): {
  readonly dense: Network;
  readonly expectation: Expectation;
  readonly spec: Spec;
} {
  const spec = readSpec(request.spec, request.at('spec'));
  const dense = readNetwork(openModel(request.dense).model);
  return { dense, expectation: spec.dialect.expect(dense, spec.spec, request.folding), spec: spec.spec };
}

function reportedFile(path: string, at: Place): NamedBytes {
  return readStart(path, MAX_REPORTED_BYTES, (problem) => inputErrorAt(at, problem, path));
}

function required(request: ModelRequest, path: string | null): string {
  if (path === null) throw inputErrorAt(request.at('pruned'), 'is required: name the pruned model');
  return path;
}

/** What is asked for and not there yet is an error: a gate that skipped it in silence would look green. */
function refuseUnsupported(request: ModelRequest): void {
  for (const key of ['lock'] as const) {
    if (request[key] !== null)
      throw inputErrorAt(request.at(key === 'lock' ? 'lockFile' : key), 'is not supported by this version yet');
  }
}

function gateOf(
  verdict: Report['verdict'],
  hasAmbiguous: boolean,
  { failOn, warnOnly }: Pick<ModelRequest, 'failOn' | 'warnOnly'>,
): { readonly conclusion: Conclusion; readonly exitCode: 0 | 1 | 3 } {
  const failing = (on: FailOn): boolean => failOn.includes(on);
  const exitCode =
    verdict === 'diverges' && failing('mismatch')
      ? 1
      : verdict === 'unverifiable' && failing('unverifiable')
        ? 3
        : hasAmbiguous && failing('ambiguous')
          ? 1
          : 0;
  if (exitCode === 0) return { conclusion: verdict === 'conforms' ? 'success' : 'neutral', exitCode };
  return warnOnly ? { conclusion: 'neutral', exitCode: 0 } : { conclusion: 'failure', exitCode };
}

function isComplete(expectation: Expectation | null, recovery: Recovery | null, tolerance: number | null): boolean {
  if (
    expectation !== null &&
    (expectation.refusal !== null || [...expectation.layers.values()].some((layer) => layer.expected === null))
  )
    return false;
  return (
    recovery === null ||
    [...recovery.layers.values()].every(({ kernel, actual }) => isVerified(kernel, tolerance) && actual !== null)
  );
}
