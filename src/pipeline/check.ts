import type { ModelRequest } from '../config/index.ts';
import {
  type Expectation,
  MAX_REPORTED_BYTES,
  type Pruner,
  type Reported,
  readReported,
  readSpec,
} from '../dialects/index.ts';
import { inputErrorAt } from '../errors/place.ts';
import { readStart } from '../files/index.ts';
import type { Network } from '../network/index.ts';
import { underDenseNames } from '../recovery/index.ts';
import { explainCommand, makeReport, numbersOf } from '../report/index.ts';
import { baselineNotes, gateOf, judgeExecution, judgeGates, judgeLock, judgePolicy } from '../verdict/index.ts';
import type { Checked } from './checked.ts';
import { refuseExchanged } from './exchanged.ts';
import { executeModels, gainsOf, NOT_EXECUTED } from './execute-models.ts';
import type { Host } from './host.ts';
import { asking, judgeNetworks } from './judge-networks.ts';
import { makeModels } from './make-models.ts';
import { foldedExport, modelSize, withModels } from './models.ts';
import { requestPlaces, specPlaces } from './places.ts';
import type { PrunedModel } from './prune.ts';

/**
 * Checks one model: runs the user's commands, reads both networks, recomputes what should be retained, recovers what is, executes
 * both and judges.
 * @throws InputError for whatever the user can mend
 */
export async function check(request: ModelRequest, host: Host): Promise<Checked> {
  const isLocked = request.lockFile !== null || host.isLocking === true;
  const locking = isLocked ? (await import('./lock-file.ts')).lockingOf(request, host) : null;
  const isCompared = request.baseline !== null || host.baseline !== undefined;
  const compare = isCompared ? (await import('./baseline.ts')).baselineOf(request, host) : null;
  const pruner = readSpec(request.spec, request.at('spec'));
  const made = await makeModels(request, host);
  return withModels(host, async ({ read, readJudged, temporary }) => {
    // What cannot be read cannot be pruned here either.
    const dense = request.pruned === null ? read(request.dense) : readJudged(request.dense);
    const asked = asking(pruner, dense, request.folding);
    const own = request.pruned === null ? await builtIn(asked.expect(), dense, pruner, request, host, temporary) : null;
    const pruned = readJudged(request.pruned ?? own!.path);
    own?.requireInPlace();
    refuseExchanged(dense, pruned, request);
    const folded = request.denseFolded === null ? null : foldedExport(dense, read(request.denseFolded), request);
    const reported = reportedBy(pruner, request, dense);
    const { recovery, expectation, retention } = judgeNetworks({ dense, pruned, folded }, asked, {
      reported,
      tolerance: request.tolerance,
      locked: locking?.agreed ?? null,
      at: specPlaces(pruner.spec, host.root),
    });
    const executed =
      request.execution !== 'none'
        ? await executeModels(
            {
              dense,
              pruned: underDenseNames(pruned, recovery),
              recovery,
              retention,
              stated: pruner.spec.inputSizes ?? null,
            },
            request,
            host,
          )
        : NOT_EXECUTED;
    const at = requestPlaces(request, host.root);
    const sizes = { dense: modelSize(dense), pruned: modelSize(pruned) };
    const compared = compare?.({ dialect: pruner.name, layers: retention.layers }) ?? null;
    const standing = locking?.standingOf(pruner, dense, retention.layers) ?? null;
    const demand = { requireGpu: request.requireGpu, demand: request.execution, at };
    const gains = gainsOf(sizes, executed, compared?.flips ?? null);
    const gated = judgeGates(judgeExecution(retention, executed, demand), request, gains, at);
    const judgement = judgePolicy(judgeLock(gated, standing?.held ?? null), request.policy);
    const { conclusion, exitCode } = gateOf(judgement, request);
    const report = makeReport({
      version: host.version,
      model: request.name ?? 'model',
      dense,
      pruned,
      sizes,
      decided: {
        ...{ dialect: pruner.name, spec: pruner.spec, expectation },
        lints: expectation.lint(pruned.model.name),
      },
      judgement: {
        ...judgement,
        notes: [...request.notes, ...judgement.notes, ...baselineNotes(compared?.flips ?? null)],
      },
      baseline: compared?.reported ?? null,
      execution: executed.execution,
      conclusion,
      isHashed: host.isHashed,
      made,
      policy: request.policy,
      lock: standing?.reported ?? null,
    });
    const numbers = host.isPictured === true ? numbersOf(expectation, dense) : null;
    made.requireAsMade();
    return { report, explain: explainCommand(request), numbers, lockable: standing?.now ?? null, exitCode };
  });
}

/** Neither a pruned model nor a command that makes one: the built-in pruner applies the spec. */
async function builtIn(
  expectation: Expectation,
  dense: Network,
  { name, spec }: Pruner,
  request: ModelRequest,
  host: Host,
  temporary: () => string,
): Promise<PrunedModel> {
  const { pruneFirst } = await import('./prune.ts');
  return pruneFirst(expectation, { dense, dialect: name, spec }, request, host, temporary);
}

function reportedBy(pruner: Pruner, request: ModelRequest, dense: Network): Reported | null {
  if (request.reported === null) return null;
  const [path, at] = [request.reported, request.at('reported')];
  const file = readStart(path, MAX_REPORTED_BYTES, (problem) => inputErrorAt(at, problem, path));
  return readReported(file, at, (text) => pruner.readLog(text, dense));
}
