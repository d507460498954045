import { nearest } from '../../config/values.ts';
import type { Place } from '../../errors/place.ts';
import type { Layer, Network, RetainedIndices } from '../../network/index.ts';
import { counted, joined, listed } from '../../prose/index.ts';
import { fileName } from '../file-name.ts';
import type { Lint } from '../types.ts';
import type { TaoExpected } from './expect.ts';
import type { Decision } from './exploration/decision.ts';
import { passing, retainedCount, thresholdFor } from './retention.ts';
import type { TaoRules } from './rules.ts';
import type { TaoRun } from './run.ts';
import { excludedNames, type TaoSpec } from './spec.ts';

/** Relative distance within which another order of float32 sums, or float64 ones, may change a comparison: up to 1.6e-6 was seen. */
const FLOAT32_REACH = 2e-6;
const MAX_NEAR = 6;

/** A layer that the rule is applied to, and what was last decided for it. */
interface Ruled {
  readonly layer: Layer;
  readonly decision: Decision;
}

/** Remarks on a spec and the names around it, each once over all layers that it concerns, likeliest mistakes first. */
export function lintTao(
  { network, spec, rules }: TaoRun,
  { pruned: { exploration }, layers }: TaoExpected,
  prunedFile: string | null,
): readonly Lint[] {
  const excluded = excludedNames(network, spec);
  const ruled = [...network.prunable.values()].flatMap((layer): Ruled[] => {
    const decision = exploration?.decisions.get(layer);
    return decision === undefined || excluded.has(layer.name) || rules.isKeptByName(layer) ? [] : [{ layer, decision }];
  });
  const beyond = outOfReach(spec, ruled);
  const isWhole =
    layers.size > 0 &&
    [...layers.values()].every((layer) => layer.expected?.length === network.prunable.get(layer.name)?.filters);
  return [
    ...beyond,
    ...unknownExclusions(network, spec),
    ...nameDisagreements(spec, rules, prunedFile),
    ...nearCut(spec, ruled),
    ...(isWhole ? [lint('nothing-pruned', 'no layer loses a filter under this spec', spec.at('threshold'))] : []),
    ...openTies(spec, ruled),
    ...narrowForGranularity(spec, ruled),
    ...minimumDecides(spec, ruled, beyond.length > 0),
  ];
}

function lint(rule: string, message: string, at: Place, layers: readonly string[] = []): Lint {
  return { rule, message, at, layers };
}

function outOfReach(spec: TaoSpec, ruled: readonly Ruled[]): Lint[] {
  const { threshold } = spec;
  const leaves = `every layer keeps its minimum alone (min_num_filters ${spec.minNumFilters}, granularity ${spec.granularity})`;
  if (spec.normalizer === 'max' && threshold >= 1) {
    const message = `threshold ${threshold} is not below 1, the largest value under normalizer max: no filter exceeds it, and ${leaves}`;
    return [lint('threshold-out-of-reach', message, spec.at('threshold'))];
  }
  const stats = ruled.flatMap(({ decision }) => decision.stat ?? []);
  const largest = stats.reduce((most, { values }) => Math.max(most, largestOf(values)), 0);
  if (stats.length === 0 || ruled.some(({ decision }) => decision.stat === null) || largest > threshold) return [];
  const message = `no filter of any layer exceeds threshold ${threshold}, the largest value is ${Number(largest.toPrecision(4))} under normalizer ${spec.normalizer}: ${leaves}`;
  return [lint('threshold-out-of-reach', message, spec.at('threshold'))];
}

function largestOf(values: ArrayLike<number>): number {
  let largest = 0;
  for (let k = 0; k < values.length; k++) if (values[k]! > largest) largest = values[k]!;
  return largest;
}

function unknownExclusions(network: Network, spec: TaoSpec): Lint[] {
  const listedNames = [...spec.excludedLayers];
  const builtIn = spec.builtInExclusions(network);
  const known = new Map(network.layers.map((layer) => [layer.name, layer]));
  const place = (name: string): Place => spec.at(['excluded_layers', spec.excludedList.indexOf(name)]);
  const unknown = listedNames.filter((name) => !known.has(name));
  const useless = listedNames.filter((name) => known.has(name) && !network.prunable.has(name) && !builtIn.has(name));
  const hint = (name: string): string => {
    const meant = nearest(name, [...network.prunable.keys()]);
    return meant === null ? name : `${name} (did you mean ${meant}?)`;
  };
  return [
    ...(unknown.length === 0
      ? []
      : [
          lint(
            'excluded-layer-unknown',
            `excluded_layers names ${joined(unknown.slice(0, 3).map(hint), undefined, unknown.length)}, which the dense model does not have`,
            place(unknown[0]!),
            unknown,
          ),
        ]),
    ...(useless.length === 0
      ? []
      : [
          lint(
            'excluded-layer-not-pruned',
            `excluded_layers names ${joined(useless.map((name) => `${name} (${known.get(name)!.kind})`))}, but only conv, depthwise and dense layers are pruned, so it excludes nothing`,
            place(useless[0]!),
            useless,
          ),
        ]),
  ];
}

function nameDisagreements(spec: TaoSpec, rules: TaoRules, prunedFile: string | null): Lint[] {
  const files = [
    ...(prunedFile === null ? [] : [{ what: 'the pruned file', path: prunedFile }]),
    { what: 'the spec file', path: spec.file },
  ];
  return files.flatMap(({ what, path }) => {
    const { threshold, criterion } = rules.settingsInName(path);
    const says = `the name of ${what}, ${fileName(path)}, says`;
    return [
      ...(threshold === null || threshold === spec.threshold
        ? []
        : [
            lint(
              'name-disagrees',
              `${says} threshold ${threshold}, the spec says ${spec.threshold}`,
              spec.at('threshold'),
            ),
          ]),
      ...(criterion === null || criterion === spec.criterion
        ? []
        : [
            lint(
              'name-disagrees',
              `${says} equalization_criterion ${criterion}, the spec says ${spec.criterion}`,
              spec.at('equalization_criterion'),
            ),
          ]),
    ];
  });
}

/** Filters so near the cut that float32 rounding decides, where that would change what is kept. */
function nearCut(spec: TaoSpec, ruled: readonly Ruled[]): Lint[] {
  // Equalized layers share a decision: it is recognized by the first of them.
  const decisions = new Map(ruled.toReversed().map(({ layer, decision }) => [decision, layer]));
  const near = [...decisions]
    .toReversed()
    .flatMap(([decision, layer]) =>
      nearFilters(spec, decision).map((filter) => ({ layer, filter, value: decision.stat!.values[filter]! })),
    );
  if (near.length === 0) return [];
  const shown = listed(
    near.map(({ layer, filter, value }) => `${layer.name} ${filter} (${value.toPrecision(8)})`),
    MAX_NEAR,
  );
  const message = `${counted(near.length, 'filter')} ${near.length === 1 ? 'lies' : 'lie'} within float32 reach of the cut, so that a sum in another order or precision decides otherwise: ${shown}`;
  return [lint('near-cut', message, spec.at('threshold'), [...new Set(near.map(({ layer }) => layer.name))])];
}

function nearFilters(spec: TaoSpec, { stat, retained }: Decision): readonly number[] {
  if (stat === null || retained === null) return [];
  const { values } = stat;
  const threshold = thresholdFor(stat, spec);
  const near = (value: number): readonly number[] => nearOnes(values, value);
  const atThreshold = near(threshold);
  const surely =
    atThreshold.length === 0
      ? 0
      : passing(values, threshold) - atThreshold.filter((k) => values[k]! > threshold).length;
  const count = (above: number): number => retainedCount(above, values.length, spec).count;
  const isTurning = atThreshold.length > 0 && count(surely) !== count(surely + atThreshold.length);
  const { last, first } = aroundCut(values, retained);
  // Equal values are a tie, which the verdict knows of.
  const isClose = Number.isFinite(first) && last !== first && isNear(last, first);
  if (!isTurning && !isClose) return [];
  return [
    ...new Set([
      ...(isTurning ? atThreshold : []),
      ...(isClose ? [...near(last), ...near(first)].sort((a, b) => a - b) : []),
    ]),
  ];
}

/** The filters whose values are near one; a loop that calls nothing for those that are far off, which is asked of every filter of the model. */
function nearOnes(values: Float32Array | Float64Array, value: number): number[] {
  const reach = 2 * FLOAT32_REACH * Math.abs(value);
  const near: number[] = [];
  for (let k = 0; k < values.length; k++) {
    const distance = values[k]! - value;
    if (distance <= reach && distance >= -reach && isNear(values[k]!, value)) near.push(k);
  }
  return near;
}

function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) <= FLOAT32_REACH * Math.max(Math.abs(a), Math.abs(b));
}

/** The least value that stays and the greatest one that goes; no number where none does. */
function aroundCut(
  values: Float32Array | Float64Array,
  retained: RetainedIndices,
): { readonly last: number; readonly first: number } {
  const isKept = new Uint8Array(values.length);
  for (let k = 0; k < retained.length; k++) isKept[retained[k]!] = 1;
  let last = retained.length === 0 ? Number.NaN : Number.POSITIVE_INFINITY;
  let first = Number.NEGATIVE_INFINITY;
  for (let filter = 0; filter < values.length; filter++) {
    const value = values[filter]!;
    if (isKept[filter] === 1) last = value < last ? value : last;
    else if (value > first) first = value;
  }
  return { last, first };
}

/** Equal values whose order is asked for, but which are known to rounding only. */
function openTies(spec: TaoSpec, ruled: readonly Ruled[]): Lint[] {
  const names = ruled.flatMap(({ layer, decision }) => (decision.tie === null ? [] : [layer.name]));
  if (spec.ties === 'any' || names.length === 0) return [];
  const message = `ties: ${spec.ties} tells the order of values that are known bit for bit, and those of ${joined(names)} are known to rounding only: any of the equal ones may stay`;
  return [lint('ties-not-exact', message, spec.at('ties'), names)];
}

/** Layers of which every possible count rounds up to all filters, though their minimum does not ask for it. */
function narrowForGranularity(spec: TaoSpec, ruled: readonly Ruled[]): Lint[] {
  const { granularity, minNumFilters } = spec;
  const narrow = ruled
    .map(({ layer }) => layer)
    .filter(({ filters }) => filters > minNumFilters && retainedCount(0, filters, spec).count === filters);
  const least = Math.ceil(minNumFilters / granularity) * granularity;
  const from =
    least === granularity
      ? `granularity ${granularity}`
      : `granularity ${granularity} rounds the minimum of ${minNumFilters} up to ${least}, which`;
  if (narrow.length === 0) return [];
  const names = narrow.map(({ name }) => name);
  const message = `${from} is not below the width of ${joined(narrow.map(({ name, filters }) => `${name} (${filters})`))}: nothing of ${narrow.length === 1 ? 'it' : 'them'} is ever pruned`;
  return [lint('granularity-above-width', message, spec.at('granularity'), names)];
}

/** One line for both: layers that the minimum leaves whole, and the minimum deciding in most layers. */
function minimumDecides(spec: TaoSpec, ruled: readonly Ruled[], isKnown: boolean): Lint[] {
  const { minNumFilters } = spec;
  const whole = ruled.map(({ layer }) => layer).filter(({ filters }) => filters <= minNumFilters);
  const decided = ruled.filter(({ decision }) => decision.rule === 'minimum').map(({ layer }) => layer);
  const isMost = !isKnown && decided.length * 2 > ruled.length;
  const parts = [
    ...(isMost
      ? [`min_num_filters ${minNumFilters}, not the threshold, decides in ${decided.length} of ${ruled.length} layers`]
      : []),
    ...(whole.length > 0
      ? [
          `${isMost ? 'it' : `min_num_filters ${minNumFilters}`} is not below the width of ${joined(whole.map(({ name, filters }) => `${name} (${filters})`))}: nothing of ${whole.length === 1 ? 'it' : 'them'} is ever pruned`,
        ]
      : []),
  ];
  if (parts.length === 0) return [];
  const names = [...new Set([...(isMost ? decided : []), ...whole].map(({ name }) => name))];
  return [
    lint(
      whole.length > 0 ? 'minimum-above-width' : 'minimum-decides',
      parts.join('; '),
      spec.at('min_num_filters'),
      names,
    ),
  ];
}
