import type { FirstStage, Hypothesis, Variant } from '../dialects/index.ts';
import { firstPlace, lazily, type Network, once, type RetainedIndices } from '../network/index.ts';
import { allFilters, decapitalized, sameFilters, without } from '../prose/index.ts';
import { placements } from './inputs.ts';
import type { LayerResult } from './types.ts';

/** The search for what explains findings. */
export interface Causes {
  /** Why the layers of one finding kept what they kept, as a sentence; null where nothing fits exactly. */
  of(layers: readonly LayerResult[]): string | null;
  /** Hypotheses that were not tried though nothing else fits: they take longer than a run may be kept waiting. */
  untried(): number;
}

/** What the hypotheses are compared with. */
export interface Scene {
  readonly dense: Network;
  /** Every layer of the run. */
  readonly layers: readonly LayerResult[];
  /** Other specs and mistakes, likeliest first. */
  readonly hypotheses: Iterable<Hypothesis>;
  /** How the pruner's users call what a layer's own norms alone would keep; null where that is no notion of the dialect. */
  readonly firstStage: FirstStage | null;
  /** Retained indices of an older lock file, and its name; null where there is none. */
  readonly locked: { readonly file: string; readonly layers: ReadonlyMap<string, RetainedIndices> } | null;
}

/** Weights read and values ranked in search of causes, over all findings of a run: about two seconds. */
const MAX_EFFORT = 200_000_000;

/**
 * Tries hypotheses on the layers of a finding, each of which must fit every one of them exactly: a cut before the pruner
 * was done, an older lock, another spec under which the whole run is right, a slip in cutting these layers, and at last
 * another spec that is right for these layers alone.
 */
export function causesOf(scene: Scene): Causes {
  const settled = scene.layers.filter((layer) => layer.verdict === 'match' || isCut(layer));
  const trials = trialsOf(scene.hypotheses, settled);
  const others = settled.length;
  const explained = (layers: readonly LayerResult[]): string | null =>
    trials.find(({ explains }) => layers.every((layer) => explains.has(layer)))?.cause ?? null;
  const ofRun = lazily(() => explained(settled));
  const ofGroup = (layers: readonly LayerResult[]): string | null => {
    const cause = explained(layers);
    return cause !== null && others > layers.length ? `In these layers alone: ${decapitalized(cause)}` : cause;
  };
  let isLeftOpen = false;
  return {
    of(layers) {
      const cause =
        stageCause(layers, scene) ?? lockCause(layers, scene) ?? ofRun() ?? slipCause(layers, scene) ?? ofGroup(layers);
      isLeftOpen ||= cause === null;
      return cause;
    },
    untried: () => (isLeftOpen ? trials.untried() : 0),
  };
}

/** A hypothesis that was tried: the layers that keep what it says. */
interface Trial {
  readonly cause: string;
  readonly explains: ReadonlySet<LayerResult>;
}

interface Trials {
  /** The first that fits; tries on until there is one. */
  find(fits: (trial: Trial) => boolean): Trial | null;
  untried(): number;
}

/** Each hypothesis is tried once for all findings, and only where it takes no more than is left. */
function trialsOf(hypotheses: Iterable<Hypothesis>, layers: readonly LayerResult[]): Trials {
  const tried: Trial[] = [];
  const remaining = hypotheses[Symbol.iterator]();
  let [left, untried] = [MAX_EFFORT, 0];
  const next = (): boolean => {
    const { done, value } = remaining.next();
    if (done === true) return false;
    if (value.work > left) {
      untried++;
      return true;
    }
    left -= value.work;
    const variant = value.test();
    if (variant === null) return true;
    tried.push({ cause: variant.cause, explains: new Set(layers.filter((layer) => isExplained(layer, variant))) });
    return true;
  };
  return {
    find(fits) {
      for (let k = 0; ; k++) {
        while (k === tried.length) if (!next()) return null;
        if (fits(tried[k]!)) return tried[k]!;
      }
    },
    untried: () => untried,
  };
}

function isCut(layer: LayerResult): boolean {
  return layer.verdict === 'mismatch' && layer.missing.length + layer.unexpected.length > 0;
}

function isExplained(layer: LayerResult, variant: Variant): boolean {
  return sameFilters(variant.layers.get(layer.name)?.expected ?? null, layer.actual);
}

function stageCause(layers: readonly LayerResult[], { firstStage }: Scene): string | null {
  if (firstStage === null) return null;
  // What a layer without partners would keep on its own is its end as well: where it is not expected, it is excluded.
  if (layers.some(({ group, specKey }) => group === null || specKey === firstStage.excludedBy)) return null;
  const question = `(the indices printed while ${firstStage.doing}): was the model cut before ${firstStage.stage} ended?`;
  if (layers.length > 1) {
    const alone = layers.find((layer) => layers.every((other) => sameFilters(other.actual, layer.exploring)));
    if (alone !== undefined) return `The kept filters equal what ${alone.name} would keep on its own ${question}`;
  }
  if (!layers.every((layer) => sameFilters(layer.actual, layer.exploring))) return null;
  const each = layers.length > 1 ? 'Each layer keeps' : 'The layer keeps';
  return `${each} what its own norms alone would keep ${question}`;
}

function lockCause(layers: readonly LayerResult[], { locked }: Scene): string | null {
  if (locked === null || !layers.every((layer) => sameFilters(layer.actual, locked.layers.get(layer.name) ?? null)))
    return null;
  return `The kept filters are those that ${locked.file} locks: was the spec changed and the model not pruned again?`;
}

/** Slips in cutting: the right number of filters by the wrong list. */
function slipCause(layers: readonly LayerResult[], scene: Scene): string | null {
  const fits = (kept: (layer: LayerResult) => RetainedIndices | null): boolean =>
    layers.every((layer) => sameFilters(layer.actual, kept(layer)));
  if (fits(complement))
    return 'The kept filters are exactly those that should go: were the indices to retain taken for indices to remove?';
  if (fits((layer) => allFilters(layer.expected?.length ?? 0)))
    return 'Only the number of filters is right: the first ones are kept, whatever their norms (a slice like [:n] instead of the indices).';
  return shiftCause(layers, scene) ?? neighbourCause(layers, scene);
}

function complement(layer: LayerResult): RetainedIndices | null {
  const { expected, filters } = layer;
  return expected === null ? null : without(allFilters(filters), expected);
}

/** Every index moved by one distance: one-based lists, or positions within a concatenation. */
function shiftCause(layers: readonly LayerResult[], { dense, layers: all }: Scene): string | null {
  const [first] = layers;
  const by = (first?.actual?.[0] ?? 0) - (first?.expected?.[0] ?? 0);
  const isShifted = layers.every(({ actual, expected }) =>
    sameFilters(actual, expected?.map((filter) => filter + by) ?? null),
  );
  if (by === 0 || first === undefined || !isShifted) return null;
  const moved = `Every kept index is the expected one ${by > 0 ? 'plus' : 'minus'} ${Math.abs(by)}`;
  if (Math.abs(by) === 1) return `${moved}: were they taken for one-based indices?`;
  const widthOf = (name: string): number | null => all.find((layer) => layer.name === name)?.actual?.length ?? null;
  const names = new Set(layers.map(({ name }) => name));
  const place = placements(dense, widthOf).find(
    ({ layer, offsets }) => names.has(layer) && offsets.includes(Math.abs(by)),
  );
  return place === undefined
    ? null
    : `${moved}, which is where ${place.layer} begins in the concatenated input of ${place.consumer}: were positions in the concatenation taken for its own filters?`;
}

/** The list of another layer: nearest in the graph first. A list that starts at zero without a gap says nothing. */
function neighbourCause(layers: readonly LayerResult[], { layers: all, firstStage }: Scene): string | null {
  const [first] = layers;
  const actual = first?.actual ?? null;
  const isTelling = actual?.some((filter, at) => filter !== at) ?? false;
  if (first === undefined || actual === null || !isTelling) return null;
  if (!layers.every((layer) => sameFilters(layer.actual, actual))) return null;
  const { placeOf, expected, exploring } = keptLists(all);
  const group = new Set(layers);
  const isOther = (layer: LayerResult): boolean =>
    !group.has(layer) && (layer.group === null || layer.group !== first.group);
  const nearest = (lists: Lists): LayerResult | null => nearestOf(lists(actual), placeOf(first), placeOf, isOther);
  const of = nearest(expected);
  const question = `${layers.length > 1 ? 'were these layers' : 'was this layer'} cut by the list of another one?`;
  if (of !== null) return `The kept filters are the indices of ${of.name}: ${question}`;
  const alone = nearest(exploring);
  if (alone === null || firstStage === null) return null;
  return `The kept filters are the indices of ${alone.name} while ${firstStage.doing}: ${question}`;
}

/** The layers with a list of filters, in graph order. */
type Lists = (kept: RetainedIndices) => readonly LayerResult[];

/** All layers by what is expected of them, and by what each would keep alone, made once: a model of twenty thousand layers may have as many findings. */
const keptLists = once((all: readonly LayerResult[]) => {
  const places = new Map(all.map((layer, place) => [layer, place]));
  const byList = (kept: (layer: LayerResult) => RetainedIndices | null): Lists => {
    const found = new Map<string, LayerResult[]>();
    for (const layer of all) {
      const list = kept(layer);
      if (list === null) continue;
      const key = list.join();
      const known = found.get(key);
      if (known === undefined) found.set(key, [layer]);
      else known.push(layer);
    }
    return (list) => found.get(list.join()) ?? [];
  };
  return {
    placeOf: (layer: LayerResult) => places.get(layer)!,
    expected: byList((layer) => layer.expected),
    exploring: byList((layer) => layer.exploring),
  };
});

/** The nearest layer to a place, of two that are as near the earlier one. @param layers in graph order */
function nearestOf(
  layers: readonly LayerResult[],
  place: number,
  placeOf: (layer: LayerResult) => number,
  isWanted: (layer: LayerResult) => boolean,
): LayerResult | null {
  let high = firstPlace(layers.length, (at) => placeOf(layers[at]!) < place);
  let low = high - 1;
  while (low >= 0 || high < layers.length) {
    const below = low < 0 ? Number.POSITIVE_INFINITY : place - placeOf(layers[low]!);
    const above = high === layers.length ? Number.POSITIVE_INFINITY : placeOf(layers[high]!) - place;
    const layer = below <= above ? layers[low--]! : layers[high++]!;
    if (isWanted(layer)) return layer;
  }
  return null;
}
