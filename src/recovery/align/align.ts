import { isMadeUp, type Layer, type Network } from '../../network/index.ts';
import { listed } from '../../prose/index.ts';
import { couldBe } from './fingerprints.ts';
import { type PlaceClass, refine } from './refine.ts';
import { type SkeletonCall, skeletonOf } from './skeleton.ts';

/** How a layer of the pruned model was recognized. */
export type RecognizedBy = 'name' | 'structure' | 'values';

/** The dense layer that a pruned one is. */
export interface Partner {
  readonly layer: Layer;
  /** The dense layer's calls that it stands for: one alone where a shared layer was exported as a kernel for each call. */
  readonly calls: readonly number[];
  readonly by: RecognizedBy;
}

/** Which layers with weights of two networks are one another. */
export interface Alignment {
  /** By id of the pruned layer. */
  readonly partners: ReadonlyMap<number, Partner>;
  /** Pruned layers that could be several dense ones, or none for sure, by id: why. */
  readonly unplaced: ReadonlyMap<number, string>;
}

/** Partners are looked for among so many layers at most; a model of more that lost its names is not aligned (CWE-407). */
const MAX_ALIGNED = 1024;

/**
 * Tells which pruned layer is which dense one. Names decide where both models carry one scheme of names. Where an exporter
 * lost a name (`Conv__1790`), or names as a whole are gone or follow another scheme, the graph does: both are refined into
 * classes of layers that stand in like places, and a class of one in each model is one layer. Classes of several are told
 * apart by the values of what belongs to each layer, and only where exactly one of each fits.
 *
 * A layer whose own name is not in a dense model whose other names agree is another layer, unless both its place and its
 * values are one layer's.
 */
export function align(dense: Network, pruned: Network): Alignment {
  return alignByNames(dense, pruned) ?? alignByStructure(dense, pruned);
}

/** The case that costs nothing: the same names in the same order. */
function alignByNames(dense: Network, pruned: Network): Alignment | null {
  const [a, b] = [weighted(dense), weighted(pruned)];
  if (a.length !== b.length || !a.every((layer, k) => layer.name === b[k]!.name && isSameKind(layer, b[k]!)))
    return null;
  const partners = new Map(
    b.map((layer, k) => [layer.id, { layer: a[k]!, calls: allCalls(a[k]!), by: 'name' as const }]),
  );
  return { partners, unplaced: new Map() };
}

function weighted(network: Network): readonly Layer[] {
  return network.layers.filter((layer) => layer.weight !== null);
}

function allCalls(layer: Layer): readonly number[] {
  return layer.calls.map((_, call) => call);
}

/**
 * A depthwise conv that keeps one channel is exported as an ordinary conv of one input and one output, and a grouped conv
 * that keeps one input channel in each group is a depthwise one.
 */
function isSameKind(dense: Layer, pruned: Layer): boolean {
  return (
    dense.kind === pruned.kind ||
    (dense.kind === 'depthwise' && pruned.kind === 'conv' && pruned.filters === 1) ||
    (dense.kind === 'conv' && pruned.kind === 'depthwise' && dense.groups === pruned.groups)
  );
}

function alignByStructure(dense: Network, pruned: Network): Alignment {
  const skeletons = { dense: skeletonOf(dense), pruned: skeletonOf(pruned) };
  const byName = new Map(weighted(dense).map((layer) => [layer.name, layer]));
  const named = namedPartners(byName, skeletons.pruned);
  const isSmall = Math.max(skeletons.dense.length, skeletons.pruned.length) <= MAX_ALIGNED;
  const isTrusted = !isSmall || areNamesTrusted(skeletons, named);
  const pairs = new Map<number, Pair>();
  if (isTrusted) anchor(skeletons, named, pairs);
  const mayBe = (a: Layer, b: Layer): Likeness => {
    if (!isSmall) return 'never';
    // A name of its own that the other model does not have is another layer's, unless its values are this one's too.
    return !isTrusted || isMadeUp(a.name) || isMadeUp(b.name) ? 'by place' : 'by values';
  };
  const classes = pairUp(dense, pruned, skeletons, pairs, mayBe);
  return finish(pruned, skeletons, pairs, (layer, at) => {
    const alike = [...classes].find((members) => members.pruned.includes(at))?.dense ?? [];
    const names = alike.map((d) => skeletons.dense[d]!.layer.name);
    if (isTrusted && !isMadeUp(layer.name))
      return names.length === 0 ? null : `it stands where ${names[0]} does, under another name and with other values`;
    return names.length === 0
      ? 'no layer of the dense model stands in such a place'
      : `it could be any of ${listed(names, 4)}: they stand in like places, and its values do not tell`;
  });
}

/** What has to be alike so that a dense layer can be a pruned one. */
type Likeness = 'never' | 'by place' | 'by values';

export interface Skeletons {
  readonly dense: readonly SkeletonCall[];
  readonly pruned: readonly SkeletonCall[];
}

/** The dense call that a pruned call is. */
interface Pair {
  readonly dense: number;
  readonly by: RecognizedBy;
}

const CALL_SUFFIX = /#\d+$/;

/**
 * Dense layers of the same name and kind, by position of the pruned call. A shared layer may be there once for each call
 * (`name`, `name#2`), in either model.
 */
function namedPartners(byName: ReadonlyMap<string, Layer>, calls: readonly SkeletonCall[]): ReadonlyMap<number, Layer> {
  const named = new Map<number, Layer>();
  for (const [at, { layer, call }] of calls.entries()) {
    const shared = byName.get(layer.name.replace(CALL_SUFFIX, ''));
    const own = byName.get(layer.name);
    const partner =
      (call > 0 && own?.calls.length === 1 ? byName.get(`${layer.name}#${call + 1}`) : undefined) ??
      own ??
      (shared !== undefined && shared.calls.length > 1 ? shared : undefined);
    if (partner !== undefined && isSameKind(partner, layer)) named.set(at, partner);
  }
  return named;
}

/**
 * Whether names mean the same in both models. Where the graphs alone pair most layers, most names must say the same; a counter
 * that started elsewhere (`conv2d_7` for `conv2d_2`) does not. Else most layers must come after layers of the same names.
 */
function areNamesTrusted(skeletons: Skeletons, named: ReadonlyMap<number, Layer>): boolean {
  const own = [...skeletons.pruned.keys()].filter((at) => named.has(at) || !isMadeUp(skeletons.pruned[at]!.layer.name));
  const alone = new Map<number, Layer>();
  for (const { dense: ds, pruned: ps } of refine(skeletons, new Map()))
    if (ds.length === 1 && ps.length === 1) alone.set(ps[0]!, skeletons.dense[ds[0]!]!.layer);
  const known = own.filter((at) => alone.has(at));
  const supported =
    known.length * 2 >= own.length
      ? known.filter((at) => alone.get(at) === named.get(at))
      : own.filter((at) => isSupported(skeletons, named, at));
  const all = known.length * 2 >= own.length ? known : own;
  return supported.length > 0 && supported.length * 2 >= all.length;
}

/** Whether a call comes after layers that are called like those before its namesake. */
function isSupported(skeletons: Skeletons, named: ReadonlyMap<number, Layer>, at: number): boolean {
  const partner = named.get(at);
  const before = skeletons.pruned[at]!.before.flat();
  const sources = before.flatMap((source) => named.get(source) ?? []);
  return skeletons.dense.some((call) => {
    if (call.layer !== partner) return false;
    const others = call.before.flat();
    return before.length === 0
      ? others.length === 0
      : others.some((source) => sources.includes(skeletons.dense[source]!.layer));
  });
}

/** Pairs the calls of layers that are recognized by name: of a layer called several times, those that read the same layers first. */
function anchor(skeletons: Skeletons, named: ReadonlyMap<number, Layer>, pairs: Map<number, Pair>): void {
  const open = new Map<Layer, number[]>();
  for (const [at, { layer }] of skeletons.dense.entries()) open.set(layer, [...(open.get(layer) ?? []), at]);
  for (const [at, { before }] of skeletons.pruned.entries()) {
    const partner = named.get(at);
    const calls = partner === undefined ? undefined : open.get(partner);
    if (calls === undefined || calls.length === 0) continue;
    const sources = before.flat().map((source) => pairs.get(source)?.dense);
    const isFed = (call: number): boolean =>
      skeletons.dense[call]!.before.flat().every((source) => sources.includes(source));
    const found = calls.findIndex(isFed);
    const [dense] = calls.splice(Math.max(0, found), 1);
    pairs.set(at, { dense: dense!, by: 'name' });
  }
}

/**
 * Pairs what is left by place, then by values, which may give the places of others away.
 * @returns the classes of what could not be paired
 */
function pairUp(
  dense: Network,
  pruned: Network,
  skeletons: Skeletons,
  pairs: Map<number, Pair>,
  mayBe: (dense: Layer, pruned: Layer) => Likeness,
): Iterable<PlaceClass> {
  let classes: readonly PlaceClass[] = [];
  for (let isProgress = pairs.size < skeletons.pruned.length; isProgress; ) {
    isProgress = false;
    classes = refine(skeletons, new Map([...pairs].map(([at, pair]) => [at, pair.dense])));
    const fits = (d: number, p: number): boolean => {
      const [a, b] = [skeletons.dense[d]!.layer, skeletons.pruned[p]!.layer];
      const likeness = b.filters <= a.filters ? mayBe(a, b) : 'never';
      return likeness === 'by place' || (likeness === 'by values' && isAlike(d, p));
    };
    for (const { dense: ds, pruned: ps } of classes) {
      const [d, p] = [ds[0], ps[0]];
      if (ds.length !== 1 || ps.length !== 1 || !fits(d!, p!)) continue;
      pairs.set(p!, { dense: d!, by: 'structure' });
      isProgress = true;
    }
    if (isProgress) continue;
    // Symmetric branches: each class by the values in it. What is left over stands nowhere alike, as where a layer is missing.
    const left = { dense: [] as number[], pruned: [] as number[] };
    for (const { dense: ds, pruned: ps } of classes) {
      if (ds.length > 0 && ps.length > 0) isProgress = pairByValues(ds, ps) || isProgress;
      else {
        left.dense.push(...ds);
        left.pruned.push(...ps);
      }
    }
    if (!isProgress) isProgress = pairByValues(left.dense, left.pruned);

    function pairByValues(ds: readonly number[], ps: readonly number[]): boolean {
      const found = matchByValues(ds, ps, (d, p) => fits(d, p) && isAlike(d, p));
      for (const [p, d] of found) pairs.set(p, { dense: d, by: 'values' });
      return found.size > 0;
    }
  }
  return classes;

  function isAlike(d: number, p: number): boolean {
    const [a, b] = [skeletons.dense[d]!, skeletons.pruned[p]!];
    return couldBe({ network: dense, layer: a.layer, call: a.call }, { network: pruned, layer: b.layer, call: b.call });
  }
}

/** Pairs that fit one another and nothing else. */
function matchByValues(
  ds: readonly number[],
  ps: readonly number[],
  fits: (d: number, p: number) => boolean,
): ReadonlyMap<number, number> {
  const candidates = ps.map((p) => ds.filter((d) => fits(d, p)));
  const claims = new Map<number, number>();
  for (const found of candidates) for (const d of found) claims.set(d, (claims.get(d) ?? 0) + 1);
  const matched = new Map<number, number>();
  for (const [k, found] of candidates.entries())
    if (found.length === 1 && claims.get(found[0]!) === 1) matched.set(ps[k]!, found[0]!);
  return matched;
}

/** Layers from calls: all calls of a pruned layer must be calls of one dense layer. */
function finish(
  pruned: Network,
  skeletons: Skeletons,
  pairs: ReadonlyMap<number, Pair>,
  reasonOf: (layer: Layer, call: number) => string | null,
): Alignment {
  const partners = new Map<number, Partner>();
  const unplaced = new Map<number, string>();
  const callsOf = new Map<Layer, number[]>();
  for (const [at, { layer }] of skeletons.pruned.entries()) callsOf.set(layer, [...(callsOf.get(layer) ?? []), at]);
  for (const layer of weighted(pruned)) {
    const own = callsOf.get(layer) ?? [];
    const found = own.map((at) => pairs.get(at));
    const owners = new Set(found.map((pair) => (pair === undefined ? undefined : skeletons.dense[pair.dense]!.layer)));
    const [owner] = owners;
    if (owner !== undefined && owners.size === 1) {
      const calls = found.map((pair) => skeletons.dense[pair!.dense]!.call);
      partners.set(layer.id, { layer: owner, calls, by: found[0]!.by });
      continue;
    }
    const reason =
      owners.size > 1
        ? 'it is called several times, and the dense model has another layer for each call'
        : reasonOf(layer, own[0]!);
    if (reason !== null) unplaced.set(layer.id, reason);
  }
  return { partners, unplaced };
}
