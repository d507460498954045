import {
  type Folding,
  type Follower,
  type FollowerRole,
  type Layer,
  type Network,
  type Onlooker,
  once,
  type Weight,
} from '../../../network/index.ts';
import type { DType } from '../../../onnx/index.ts';
import { distanceSums } from '../../shared/distances.ts';
import { sumError, UNIT } from '../../shared/rounding.ts';
import { power } from '../../shared/sums.ts';
import { numbersIn, storedWeight, weightsOf } from '../../shared/weights.ts';
import type { Assumption } from '../../types.ts';
import type { ComputedImportance } from '../spec.ts';
import type { Group, GroupItem } from '../trace/group.ts';
import { giveScores, isBeyond, rankedUnit, storedError } from './half-precision.ts';
import { type MagnitudesReader, magnitudesReader } from './magnitudes.ts';

/** What one item of a group adds to the scores of the root's channels. */
export interface Term {
  /** The module, and which of its tensors: `conv1`, `bn1 weight`, `conv2 inputs`. */
  readonly label: string;
  /** For each value, the root's channel that it counts for. */
  readonly root: readonly number[];
  readonly values: readonly number[] | Float64Array;
  /** How far float32 arithmetic in no fixed order may be off, and weights that are rounded copies. */
  readonly errors: ArrayLike<number>;
  /** What its values are kept as. */
  readonly dtype: DType;
}

/** Why scores cannot be determined. */
export interface Unknown {
  readonly unknown: string;
  readonly remedy: string | null;
  /** Whether Torch-Pruning itself raises; `unknown` is then the exception's type and text. */
  readonly isRaised: boolean;
}

const UNFOLD =
  'Export the dense model with torch.onnx.export(..., dynamo=False, do_constant_folding=False), which keeps BatchNorm, or give the scores that the pruner computed (scores).';
const SAY_RAW = 'If it is not, say --folding raw (input folding), or name the modules.json of recipes/torch (modules).';

/** The terms of a group in the library's order (importance.py:181-264). */
export type TermsOf = (group: Group) => readonly Term[] | Unknown;

/** Where terms come from. */
export interface TermReader {
  /** The terms under an importance. Those that differ in what is made of the terms share them, and all share the sums over weights. */
  under(importance: ComputedImportance): TermsOf;
  /** Sums up the weights of some groups while others read them; null where their terms are no sums. */
  onlooker(importance: ComputedImportance, groups: readonly Group[]): Onlooker | null;
}

/** @param folding overrules the folding detector */
export function termReader(network: Network, folding: Folding | null): TermReader {
  const magnitudes = magnitudesReader(network.model.buffer);
  const known = new Map<string, TermsOf>();
  return {
    under(importance) {
      const { p, bias, isDistance, targets } = importance;
      const key = `${p} ${bias} ${isDistance} ${[...targets]}`;
      const found = known.get(key) ?? once(termsUnder({ network, importance, magnitudes }, folding));
      known.set(key, found);
      return found;
    },
    onlooker(importance, groups) {
      if (importance.isDistance) return null;
      return magnitudes.onlooker(weightsIn(groups, importance, folding), importance.p);
    },
  };
}

/** The weights that the terms of some groups are summed up over. */
function weightsIn(
  groups: readonly Group[],
  { targets }: ComputedImportance,
  folding: Folding | null,
): ReadonlySet<Weight> {
  const found = new Set<Weight>();
  for (const { items } of groups) {
    if (items.some(({ module }) => foldedIn(module.layer, folding) !== null)) continue;
    for (const { module } of items) {
      const weight = targets.has(module.type) && module.layer.weight !== null ? storedWeight(module.layer) : null;
      // Those that have factors would have to be changed, while others need them as they are.
      if (weight !== null && 'tensor' in weight && weight.rowScale === null) found.add(weight);
    }
  }
  return found;
}

function termsUnder(sources: Sources, folding: Folding | null): TermsOf {
  return (group) => {
    const folded = group.items.map((item) => foldedIn(item.module.layer, folding)).find((found) => found !== null);
    if (folded !== undefined) return folded;
    const terms: Term[] = [];
    for (const item of group.items) {
      if (!sources.importance.targets.has(item.module.type)) continue;
      const found = item.module.layer.weight === null ? normTerms(sources, item) : weightTerms(sources, item);
      if ('unknown' in found) return found.isRaised ? (lostIn(group) ?? found) : found;
      const { p } = sources.importance;
      const beyond = found.find(({ dtype, values }) => values.some((value) => isBeyond(value, dtype, p)));
      if (beyond !== undefined)
        return {
          unknown: `${beyond.label} holds numbers so large that float16 may not have held them`,
          remedy: giveScores(rankedUnit(beyond.dtype)),
          isRaised: false,
        };
      terms.push(...found);
    }
    return terms;
  };
}

/** Where a group goes through layers that read channels nobody followed, an index beyond one of them is no fault of the pruner's. */
function lostIn({ items }: Group): Unknown | null {
  for (const { module } of items)
    for (const { columns } of module.layer.calls)
      if (columns !== null && 'opaque' in columns)
        return { unknown: `what ${columns.opaque} does to channels is not known`, remedy: null, isRaised: false };
  return null;
}

interface Sources {
  readonly network: Network;
  readonly importance: ComputedImportance;
  readonly magnitudes: MagnitudesReader;
}

function foldedIn({ name, weight, folding: detected }: Layer, overruled: Folding | null): Unknown | null {
  if (weight === null || (overruled ?? detected.state) !== 'folded') return null;
  const unknown = `BatchNorm is folded into ${name} (${detected.evidence}), so its weights are not those that the pruner saw`;
  return { unknown, remedy: UNFOLD, isRaised: false };
}

/** What scores of a layer's weights rest on; null where the weights are known to be those that the pruner saw. */
export function assumptionOf(
  { name, weight, folding, isRescaled }: Layer,
  overruled: Folding | null,
): Assumption | null {
  if (weight === null) return null;
  if ((overruled ?? folding.state) === 'unknown') return mayBe(name, folding.evidence);
  // What the pruner scores of a BatchNorm it does not of plain arithmetic.
  if (overruled !== null || !isRescaled) return null;
  const open = `a factor and a summand for each filter stand behind ${name}, which may be its BatchNorm`;
  return { of: 'weights', open, remedy: UNFOLD };
}

function mayBe(name: string, evidence: string): Assumption {
  return { of: 'weights', open: `BatchNorm may be folded into ${name} (${evidence})`, remedy: `${SAY_RAW} ${UNFOLD}` };
}

/** A convolution's or linear layer's filters, or the columns that read the group's channels. */
function weightTerms(sources: Sources, item: GroupItem): readonly Term[] | Unknown {
  const { module, side, at, root } = item;
  const { layer } = module;
  const { importance, magnitudes } = sources;
  const { name, groups } = layer;
  const weight = storedWeight(layer);
  if ('unknown' in weight) return { ...weight, isRaised: false };
  const { dtype } = weight.tensor;
  const rows = side === 'in' ? weight.inCount : weight.outCount;
  // A grouped layer has the columns of one group, which count for each (importance.py:228, not where each group has one).
  const isRepeated = side === 'in' && groups > 1 && groups !== module.inWidth;
  if (isRepeated && importance.isDistance)
    return raised(
      'RuntimeError: Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor',
    );
  const beyond = at.find((position) => position >= rows * (isRepeated ? groups : 1));
  if (beyond !== undefined)
    return raised(`IndexError: index ${beyond} is out of bounds for dimension 0 with size ${rows}`);
  const label = side === 'in' ? `${name} inputs` : name;
  if (importance.isDistance) {
    const { values, errors } = distanceSums(rowsOf(weight, item, sources), {
      relative: storedError(1, dtype, 0, importance.p),
      absolute: storedError(0, dtype, 1, importance.p),
    });
    return [{ label, root, values, errors, dtype }];
  }
  const sums = magnitudes.of(layer, importance.p)!;
  const [all, count] = side === 'in' ? [sums.columns, sums.perColumn] : [sums.rows, sums.perRow];
  const values = at.map((position) => all[position % rows]!);
  const error = sumError(count);
  const errors = values.map((value) => value * error + storedError(value, dtype, count, importance.p));
  const own: Term = { label, root, values, errors, dtype };
  return side === 'in' ? [own] : [own, ...biasTerms(sources, item, 'bias')];
}

/** BatchNorm's or LayerNorm's weight; none where it is not affine, and the exporter wrote ones. */
function normTerms(sources: Sources, item: GroupItem): readonly Term[] {
  if (sources.importance.isDistance) return [];
  const scale = vectorTerms(sources, item, 'scale');
  return scale.length === 0 ? [] : [...scale, ...biasTerms(sources, item, 'shift')];
}

function biasTerms(sources: Sources, item: GroupItem, role: FollowerRole): readonly Term[] {
  return sources.importance.bias && !sources.importance.isDistance ? vectorTerms(sources, item, role) : [];
}

function vectorTerms({ network, importance }: Sources, { module, at, root }: GroupItem, role: FollowerRole): Term[] {
  const found = network.followers.find((follower) => follower.layer === module.layer.name && follower.role === role);
  if (found === undefined) return [];
  const elements = numbersIn(found.tensor);
  if (!isParameter(found, elements)) return [];
  const values = at.map((position) => power(elements[position * found.stride]!, importance.p));
  const label = `${module.layer.name} ${role === 'scale' ? 'weight' : 'bias'}`;
  const { dtype } = found.tensor;
  const errors = values.map((value) => 2 * UNIT * value + storedError(value, dtype, 1, importance.p));
  return [{ label, root, values, errors, dtype }];
}

/** torch.onnx writes ones and zeros for a layer without parameters, under names of its own; other programs take names away. */
function isParameter({ tensor, role }: Follower, elements: ArrayLike<number>): boolean {
  const neutral = role === 'scale' ? 1 : 0;
  return /\.(weight|bias)$/.test(tensor.name) || Array.from(elements).some((value) => value !== neutral);
}

/** `abs(w) ** p` of each filter, or of each input column over all filters. */
function rowsOf(weight: Weight, { side, at }: GroupItem, { network, importance: { p } }: Sources): Float64Array[] {
  const values = weightsOf(weight, network.model.buffer);
  const { outCount, outStride, inCount, inStride, kernelOffsets } = weight;
  const [own, other, others] = side === 'in' ? [inStride, outStride, outCount] : [outStride, inStride, inCount];
  return at.map((position) => {
    const row = new Float64Array(others * kernelOffsets.length);
    let n = 0;
    for (let k = 0; k < others; k++)
      for (const offset of kernelOffsets) row[n++] = power(values[position * own + k * other + offset]!, p);
    return row;
  });
}

function raised(unknown: string): Unknown {
  return { unknown, remedy: null, isRaised: true };
}
