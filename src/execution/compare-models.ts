import { join } from 'node:path';
import type { ChannelCorrespondence } from '../recovery/index.ts';
import { blindTensors, type Excuses } from './blind-spots.ts';
import type { Child } from './child.ts';
import type { Mask } from './mask.ts';
import { writeMasked, writeWithOutputs } from './model-copies.ts';
import { layerPairs, type NamedPair, outputPairs } from './pairs.ts';
import type { Case, CompareResult, PairResult, ProviderUse, RuntimeJob, Tolerance } from './protocol.ts';
import { obstacleOf, run } from './run-models.ts';
import type { ExecutedOutput, Execution, Obstacle } from './types.ts';

type Judged = Pick<Execution, 'verdict' | 'reason' | 'maxAbsDiff' | 'maxRelDiff' | 'outputs' | 'firstDifference'>;

export interface Comparison extends Judged {
  readonly use: readonly ProviderUse[];
  readonly peakBytes: number;
}

export interface ComparisonParts {
  readonly correspondence: ChannelCorrespondence;
  readonly mask: Mask;
  /** Why there is no dense model to compare with; null where there is. Both are run all the same. */
  readonly incomparable: string | null;
  readonly excuses: Excuses;
  readonly cases: readonly Case[];
  readonly child: Child;
  readonly runtime: RuntimeJob;
  readonly tolerance: Tolerance;
  log(line: string): void;
}

/** Runs the masked dense model and the pruned one on the same inputs, and compares their outputs and the results of their layers. */
export async function compareModels(parts: ComparisonParts): Promise<Comparison | Obstacle> {
  const { correspondence, mask, cases, child, runtime, tolerance } = parts;
  const masked = writeMasked(correspondence.dense.model, mask, [], join(runtime.workFolder, 'masked.onnx'));
  const pairs = parts.incomparable === null ? outputPairs(correspondence) : [];
  const pruned = correspondence.pruned.model.name;
  const job = { kind: 'compare', dense: masked, pruned, cases, tolerance, pairs: pairs ?? [] } as const;
  const result = await run(child, runtime, job);
  if (result.kind === 'failed' || result.kind === 'crashed') {
    const { code, reason } = obstacleOf(result);
    return { code, reason: result.side === 'pruned' ? `${reason}; it runs the dense one` : reason };
  }
  if (result.kind !== 'compare') throw new Error(`a comparison was asked for, and the child gave a ${result.kind}`);
  const judged =
    parts.incomparable !== null
      ? uncompared(null, parts.incomparable)
      : pairs === null
        ? uncompared('different', 'it has another number of outputs than the dense model')
        : await judge(parts, pairs, result);
  return { ...judged, use: result.use.pruned, peakBytes: result.peakBytes };
}

function uncompared(verdict: Execution['verdict'], reason: string): Judged {
  return { verdict, reason, maxAbsDiff: null, maxRelDiff: null, outputs: [], firstDifference: null };
}

async function judge(parts: ComparisonParts, pairs: readonly NamedPair[], result: CompareResult): Promise<Judged> {
  const outputs = pairs.map((pair, k) =>
    summary(
      pair.pruned,
      result.cases.map((one) => one.pairs[k]!),
    ),
  );
  const numbers = {
    outputs,
    maxAbsDiff: largest(outputs.map((output) => output.maxAbsDiff)),
    maxRelDiff: largest(outputs.map((output) => output.maxRelDiff)),
  };
  const { dense } = parts.correspondence;
  const blind = blindTensors(dense, parts.mask, parts.excuses);
  // Outputs may saturate, and then tell nothing of what is computed: layers do.
  const differing = result.cases.find((one) => one.pairs.some(({ outcome }) => outcome === 'different'));
  const layers = await compareLayers(parts, differing?.name ?? (parts.cases[1] ?? parts.cases[0])!.name);
  const own = pairs.map((pair, k) => ({ pair, result: (differing ?? result.cases[0]!).pairs[k]! }));
  const first = [...layers, ...own].find(
    ({ pair, result: { outcome } }) => outcome === 'different' && !blind.has(pair.dense),
  );
  const far = `${percent(numbers.maxRelDiff)} of the largest value`;
  if (first !== undefined) {
    const { layer, pruned: tensor } = first.pair;
    const reach = outputs.some(({ outcome }) => outcome === 'different')
      ? `outputs differ by up to ${far}`
      : 'outputs hide it';
    return {
      ...numbers,
      verdict: 'different',
      reason: `${layer} is the first layer that computes something else; ${reach}`,
      firstDifference: { layer, tensor, detail: first.result.detail },
    };
  }
  const open = undecided(own, blind);
  if (open !== null) return { ...numbers, verdict: null, reason: open, firstDifference: null };
  const compared = layers.filter(({ result: { outcome } }) => outcome === 'equal').length;
  return {
    ...numbers,
    verdict: 'equal',
    reason: `outputs and ${compared} layer results are equal but for rounding, outputs up to ${far}`,
    firstDifference: null,
  };
}

interface ComparedPair {
  readonly pair: NamedPair;
  readonly result: PairResult;
}

/** Why outputs without a difference that counts are not called equal; null where they are. */
function undecided(outputs: readonly ComparedPair[], blind: ReadonlyMap<string, string>): string | null {
  const different = outputs.find(({ result }) => result.outcome === 'different');
  if (different !== undefined)
    return `the output ${different.pair.pruned} has no measure in the dense model (${blind.get(different.pair.dense)})`;
  const incomparable = outputs.find(({ result }) => result.outcome === 'incomparable');
  return incomparable === undefined
    ? null
    : `the output ${incomparable.pair.pruned} cannot be compared: ${incomparable.result.detail}`;
}

/** Runs one case again with the results of layers as outputs. Whatever goes wrong here costs this evidence only, and is told. */
async function compareLayers(parts: ComparisonParts, caseName: string): Promise<readonly ComparedPair[]> {
  const { correspondence, mask, child, runtime, tolerance, log } = parts;
  const pairs = layerPairs(correspondence);
  if (pairs.length === 0) return [];
  const inside = join(runtime.workFolder, 'layers');
  const names = (side: 'dense' | 'pruned'): readonly string[] => [...new Set(pairs.map((pair) => pair[side]))];
  const models = {
    dense: writeMasked(correspondence.dense.model, mask, names('dense'), join(inside, 'masked.onnx')),
    pruned: writeWithOutputs(correspondence.pruned.model, names('pruned'), join(inside, 'pruned.onnx')),
  };
  const cases = parts.cases.filter(({ name }) => name === caseName);
  const result = await run(child, runtime, { kind: 'compare', ...models, cases, pairs, tolerance });
  if (result.kind === 'compare') return pairs.map((pair, k) => ({ pair, result: result.cases[0]!.pairs[k]! }));
  if (result.kind === 'failed' || result.kind === 'crashed')
    log(`layers could not be compared: ${obstacleOf(result).reason}`);
  return [];
}

function summary(name: string, results: readonly PairResult[]): ExecutedOutput {
  const outcomes = results.map(({ outcome }) => outcome);
  return {
    name,
    type: results[0]!.type,
    maxAbsDiff: largest(results.map((one) => one.maxAbsDiff)),
    maxRelDiff: largest(results.map((one) => (one.maxAbsDiff === 0 ? 0 : one.maxAbsDiff / one.magnitude))),
    nan: results.reduce((n, one) => n + one.bothNaN, 0),
    outcome: outcomes.includes('different')
      ? 'different'
      : outcomes.includes('incomparable')
        ? 'incomparable'
        : 'equal',
  };
}

function largest(values: readonly number[]): number {
  return Math.max(0, ...values);
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}
