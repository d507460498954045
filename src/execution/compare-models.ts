import { lazily, makersIn } from '../network/index.ts';
import { isFloat } from '../onnx/index.ts';
import { percent } from '../prose/index.ts';
import type { ChannelCorrespondence } from '../recovery/index.ts';
import { blindTensors, type Excuses, isOpaque, madeUnseen } from './blind-spots.ts';
import type { Child } from './child.ts';
import { carriesCut, type Mask, noMask } from './mask.ts';
import { type ModelCopies, withOutputs } from './model-copies.ts';
import { type NamedPair, type Pairs, pairsOf } from './pairs.ts';
import type { Case, CompareResult, PairResult, ProviderUse, RuntimeJob, Side, Tolerance } from './protocol.ts';
import { obstacleOf, run } from './run-models.ts';
import type { ExecutedOutput, Execution, Obstacle } from './types.ts';

type Judged = Pick<Execution, 'verdict' | 'reason' | 'maxAbsDiff' | 'maxRelDiff' | 'outputs' | 'firstDifference'>;

export interface Comparison extends Judged, Required<Pick<Execution, 'measure'>> {
  readonly use: readonly ProviderUse[];
  readonly peakBytes: number;
}

export interface ComparisonParts {
  readonly correspondence: ChannelCorrespondence;
  readonly mask: Mask;
  readonly copies: ModelCopies;
  /** Why there is no dense model to compare with; null where there is. Both are run all the same. */
  readonly incomparable: string | null;
  readonly excuses: Excuses;
  /** What the dense copy is: the dense model with what was cut at zero, or cut itself; then which tensors are compared. */
  readonly cut: Pairs | null;
  readonly cases: readonly Case[];
  readonly child: Child;
  readonly runtime: RuntimeJob;
  readonly tolerance: Tolerance;
  log(line: string): void;
}

/** Runs the masked or cut dense model and the pruned one on the same inputs, and compares their outputs and the results of their layers. */
export async function compareModels(parts: ComparisonParts): Promise<Comparison | Obstacle> {
  const pairs =
    parts.incomparable === null ? (parts.cut ?? pairsOf(parts.correspondence)) : { outputs: [], layers: [] };
  const result = await runBoth(parts, pairs);
  if ('code' in result) return result;
  const judged =
    parts.incomparable !== null
      ? uncompared(null, parts.incomparable)
      : pairs.outputs === null
        ? uncompared('different', 'it has another number of outputs than the dense model')
        : judge(parts, { outputs: pairs.outputs, layers: pairs.layers }, result);
  const measure = parts.cut === null ? 'masked' : 'cut';
  return { ...judged, measure, use: result.use.pruned, peakBytes: result.peakBytes };
}

type Compared = CompareResult & { readonly peakBytes: number };

/** With results of layers as further outputs. Where a model does not run so, they cost this evidence only, and that is said. */
async function runBoth(parts: ComparisonParts, pairs: Pairs): Promise<Compared | Obstacle> {
  const { layers } = pairs;
  if (pairs.outputs === null || layers.length === 0) return runCopies(parts, pairs);
  const { copies, correspondence, log } = parts;
  const within = <T>(side: Side, work: () => Promise<T>): Promise<T> =>
    withOutputs(
      copies[side],
      correspondence[side].model,
      layers.map((pair) => pair[side]),
      work,
    );
  const result = await within('dense', () => within('pruned', () => runCopies(parts, pairs)));
  if (!('code' in result)) return result;
  log(`layers could not be compared: ${result.reason}`);
  return runCopies(parts, { ...pairs, layers: [] });
}

async function runCopies(
  { copies, correspondence, cases, child, runtime, tolerance }: ComparisonParts,
  { outputs, layers }: Pairs,
): Promise<Compared | Obstacle> {
  const result = await run(child, runtime, {
    kind: 'compare',
    ...copies,
    cases,
    tolerance,
    outputs: outputs ?? [],
    layers,
    // Noise in a batch of one, where it fits into memory.
    layersIn: (cases[1] ?? cases[0])!.name,
  });
  if (result.kind === 'compare') return result;
  if (result.kind !== 'failed' && result.kind !== 'crashed')
    throw new Error(`a comparison was asked for, and the child gave a ${result.kind}`);
  const { code, reason: said } = obstacleOf(result);
  // Of the copies nobody knows.
  const reason = (['dense', 'pruned'] as const).reduce(
    (text, side) => text.replaceAll(copies[side], correspondence[side].model.name),
    said,
  );
  const isPrunedAlone = result.side === 'pruned' && result.step !== 'runtime';
  return { code, reason: isPrunedAlone ? `${reason}; it ${result.step}s the dense one` : reason };
}

function uncompared(verdict: Execution['verdict'], reason: string): Judged {
  return { verdict, reason, maxAbsDiff: null, maxRelDiff: null, outputs: [], firstDifference: null };
}

interface KnownPairs {
  readonly outputs: readonly NamedPair[];
  readonly layers: readonly NamedPair[];
}

function judge(parts: ComparisonParts, pairs: KnownPairs, { cases }: CompareResult): Judged {
  const outputs = pairs.outputs.map((pair, k) =>
    summary(
      pair.pruned,
      cases.map((one) => one.outputs[k]!),
    ),
  );
  const numbers = {
    outputs,
    maxAbsDiff: largest(outputs.map((output) => output.maxAbsDiff)),
    maxRelDiff: largest(outputs.map((output) => output.maxRelDiff)),
  };
  const isCut = parts.cut !== null;
  // Outputs may saturate, and then tell nothing of what is computed: layers do.
  const isMeasured = measured(parts);
  const blindMask = isCut ? noMask(parts.correspondence.dense) : parts.mask;
  const layers = cases.map((one) => comparedPairs(pairs.layers, one.layers ?? [], isMeasured));
  const own = cases.map((one) => comparedPairs(pairs.outputs, one.outputs, isMeasured));
  const incomparable = [...layers, ...own].flat().filter(({ result: { outcome } }) => outcome === 'incomparable');
  const { dense, pruned } = parts.correspondence;
  const smaller = new Set([...incomparable.map(({ pair }) => pair.dense), ...madeUnseen(dense, pruned)]);
  const never = unmasked(parts, pairs);
  const blindIn = cases.map((_, k) => {
    const unmeasured = [...layers[k]!, ...own[k]!].flatMap(({ pair, result }) =>
      result.overflown > 0 ? [[pair.dense, `values of ${pair.layer} overflow`] as const] : [],
    );
    const cutOtherwise = isCut
      ? incomparable.map(({ pair }) => [pair.dense, `${pair.layer} has other sizes`] as const)
      : [];
    return blindTensors(dense, blindMask, parts.excuses, smaller, new Map([...never, ...cutOtherwise, ...unmeasured]));
  });
  const first = cases
    .flatMap((_, k) => [...layers[k]!, ...own[k]!].map((one) => ({ ...one, blind: blindIn[k]! })))
    .find(({ pair, result: { outcome }, blind }) => outcome === 'different' && !blind.has(pair.dense));
  const far = `${percent(numbers.maxRelDiff, 2)} of the largest value`;
  if (first !== undefined) {
    const { layer, pruned: tensor } = first.pair;
    const reach = outputs.some(({ outcome }) => outcome === 'different')
      ? `outputs differ by up to ${far}`
      : 'outputs hide it';
    return {
      ...numbers,
      verdict: 'different',
      reason: `${layer} is the first layer that computes something else${isCut ? ' than in the dense model cut to the same channels' : ''}; ${reach}`,
      firstDifference: { layer, tensor, detail: first.result.detail },
    };
  }
  const areFinite = own.map((one) => one.every(({ result }) => result.overflown === 0));
  // Where values overflow, fainter noise was tried last.
  const told = areFinite.at(-1) === true ? own.map((one, k) => (areFinite[k]! ? one : [])) : own;
  const open = told.map((one, k) => undecided(one, blindIn[k]!)).find((why) => why !== null) ?? null;
  if (open !== null) return { ...numbers, verdict: null, reason: open, firstDifference: null };
  const compared = layers.find((one) => one.length > 0)?.filter(({ result: { outcome } }) => outcome === 'equal') ?? [];
  return {
    ...numbers,
    verdict: 'equal',
    reason: `outputs and ${compared.length} layer results are ${isCut ? 'those of the dense model cut to the same channels' : 'equal'} but for rounding, outputs up to ${far}`,
    firstDifference: null,
  };
}

/** Tensors of which channels are gone that nobody could mask: rows of a table that is looked up in. */
function unmasked({ correspondence: { dense }, mask }: ComparisonParts, { layers }: KnownPairs): Map<string, string> {
  return new Map(
    layers.flatMap(({ dense: name, layer, positions }) => {
      const tensor = dense.tensors.get(name);
      const channels = tensor?.channels ?? null;
      if (positions === null || channels === null || 'opaque' in channels) return [];
      if (positions.length === channels.ids.length || carriesCut(tensor!, mask.cut)) return [];
      return [[name, `${layer}: which of its channels are left is not masked`] as const];
    }),
  );
}

interface ComparedPair {
  readonly pair: NamedPair;
  readonly result: PairResult;
}

/** @param isMeasured whether a dense tensor has the sizes that the pruned model's should have */
function comparedPairs(
  pairs: readonly NamedPair[],
  results: readonly PairResult[],
  isMeasured: (tensor: string) => boolean,
): readonly ComparedPair[] {
  return results.map((result, k) => {
    const pair = pairs[k]!;
    const isOther = result.outcome === 'incomparable' && result.overflown === 0 && isMeasured(pair.dense);
    return { pair, result: isOther ? { ...result, outcome: 'different' } : result };
  });
}

/** Where nothing that was cut, or may have been, reaches a tensor, its sizes are the pruned model's too. */
function measured({ correspondence: { dense }, mask, excuses }: ComparisonParts): (tensor: string) => boolean {
  // Most comparisons never ask.
  const known = lazily(() => ({
    blind: blindTensors(dense, mask, excuses, new Set()),
    makers: makersIn(dense),
  }));
  const isOpen = (name: string): boolean => {
    const tensor = dense.tensors.get(name);
    const stored = dense.constants.get(name)?.view.tensor;
    if (stored !== undefined && isFloat(stored.dtype) && stored.elements > 1) return true;
    return known().blind.has(name) || (tensor !== undefined && (isOpaque(dense, name) || carriesCut(tensor, mask.cut)));
  };
  return (tensor) => known().makers.get(tensor)?.inputs.some(isOpen) === false;
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
