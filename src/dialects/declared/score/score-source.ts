import { inputErrorAt } from '../../../errors/place.ts';
import { type Folding, foldAll, type Layer, type Network, once, type Weight } from '../../../network/index.ts';
import { isHalf } from '../../../onnx/index.ts';
import { readScoresFile } from '../../shared/scores-file.ts';
import { numbersIn, readableWeight, roundedCopy } from '../../shared/weights.ts';
import type { Assumption } from '../../types.ts';
import type { ImportanceKeys } from '../keys.ts';
import type { DeclaredSpec } from '../spec.ts';
import { type IsLeft, rowScores } from './rows.ts';
import type { Scores, Unknown } from './scores.ts';
import type { WeightSums } from './weight-sums.ts';

/** Scores of one layer's filters; null for a layer that has none, so that it does not count. */
export type LayerScores = (layer: Layer, isLeft: IsLeft | null) => Scores | Unknown | null;

export const UNFOLD =
  'Export the dense model with torch.onnx.export(..., dynamo=False, do_constant_folding=False), which keeps BatchNorm; or say importance: {folded: true} if the pruner saw folded weights too.';
const SAY = 'If it is not, say --folding raw (input folding). ';

/** The network as a pruner of folded models saw it. */
export const foldedOf = once(foldAll);

/** Reads scores, each layer's under one set of keys once. */
export function scoreSource(
  network: Network,
  folding: Folding | null,
  sums: WeightSums,
): (spec: DeclaredSpec) => LayerScores {
  const known = new Map<string, Scores | Unknown | null>();
  return (spec) => {
    const { importance } = spec.keys;
    if (importance.value === 'file') return fileScores(spec);
    const { value, normalize, folded: isFolded } = importance;
    const under = { importance, folding, sums };
    return (layer, isLeft) => {
      if (isLeft !== null) return computed(asScored(network, layer, importance), isLeft, under);
      const key = `${layer.id} ${value} ${normalize} ${isFolded}`;
      const found = known.get(key);
      if (found !== undefined) return found;
      const scores = computed(asScored(network, layer, importance), null, under);
      known.set(key, scores);
      return scores;
    };
  };
}

/** A layer as the pruner saw it. */
function asScored(network: Network, layer: Layer, { folded: isFolded }: ImportanceKeys): Layer {
  return isFolded ? foldedOf(network).layers[layer.id]! : layer;
}

/** The weight that a layer's scores are sums over; null where they are none, or it has factors, and would have to be changed while others need it. */
export function summedWeight(
  network: Network,
  layer: Layer,
  importance: ImportanceKeys,
  folding: Folding | null,
): Weight | null {
  const own = asScored(network, layer, importance);
  const weight = foldedIn(own, importance, folding) === null ? readableWeight(own) : null;
  return weight !== null && 'tensor' in weight && weight.rowScale === null ? weight : null;
}

interface Under {
  readonly importance: ImportanceKeys;
  readonly folding: Folding | null;
  readonly sums: WeightSums;
}

function computed(layer: Layer, isLeft: IsLeft | null, { importance, folding, sums }: Under): Scores | Unknown | null {
  const unknown = foldedIn(layer, importance, folding);
  if (unknown !== null) return unknown;
  if (importance.value === 'bn-gamma') return gammaScores(layer);
  const weight = readableWeight(layer);
  return 'unknown' in weight ? weight : rowScores(layer, weight, importance, isLeft, sums);
}

/** The BatchNorm directly behind a convolution; a layer without one has no score. */
function gammaScores({ name, norms, filters, calls }: Layer): Scores | Unknown | null {
  const [norm] = norms;
  if (norm == null || calls.length > 1) return null;
  if (norm.statistics === null)
    return { unknown: `BatchNorm behind ${name} is plain arithmetic, so that its gammas are gone`, remedy: UNFOLD };
  if (isHalf(norm.scale.dtype)) return roundedCopy(`the BatchNorm behind ${name}`, norm.scale.dtype);
  const gammas = numbersIn(norm.scale);
  const values = Float64Array.from({ length: filters }, (_, k) => Math.abs(gammas[k]!));
  return { values, errors: new Float64Array(filters) };
}

/** Why a layer's weights are not those that the pruner saw; null where they are, or may be. */
export function foldedIn(
  { name, norms, folding: { state, evidence } }: Layer,
  { value, folded }: ImportanceKeys,
  overruled: Folding | null,
): Unknown | null {
  const now = overruled ?? state;
  if (folded && value !== 'bn-gamma') return null;
  // Gammas that may be gone cannot be assumed to be there.
  const isGone = now === 'folded' || (value === 'bn-gamma' && norms[0] == null && now === 'unknown');
  if (!isGone) return null;
  return {
    unknown:
      now === 'folded'
        ? `BatchNorm is folded into ${name} (${evidence}), so its weights are not those that the pruner saw`
        : `BatchNorm may be folded into ${name} (${evidence}), so that its gammas are gone`,
    remedy: UNFOLD,
  };
}

/** What scores of a layer's weights rest on; null where nothing is open. */
export function assumptionOf(
  { name, folding: { state, evidence } }: Layer,
  { value, folded }: ImportanceKeys,
  overruled: Folding | null,
): Assumption | null {
  if (folded || value === 'file' || value === 'bn-gamma' || (overruled ?? state) !== 'unknown') return null;
  return { of: 'weights', open: `BatchNorm may be folded into ${name} (${evidence})`, remedy: `${SAY}${UNFOLD}` };
}

/**
 * Scores that the user computed, by layer.
 * @throws InputError that names file and layer, for a vector of another length or with a value that is no number
 */
function fileScores({ scores }: DeclaredSpec): LayerScores {
  const file = scores!;
  const vectors = readScoresFile(file);
  return ({ name, filters }) => {
    const values = vectors.get(name);
    if (values === undefined)
      return {
        unknown: `${file.path} holds no scores for ${name}`,
        remedy: `Write the scores of ${name} into it, one for each filter, or exclude the layer.`,
      };
    const refuse = (problem: string): Error => inputErrorAt({ file: file.path, line: null, key: name }, problem);
    if (values.length !== filters) throw refuse(`holds ${values.length} scores, and the layer has ${filters} filters`);
    const at = values.findIndex((value) => !Number.isFinite(value));
    if (at >= 0) throw refuse(`score ${at} is no finite number`);
    return { values, errors: new Float64Array(filters) };
  };
}
