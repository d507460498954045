import { exactness, giveScores } from '../score/half-precision.ts';
import type { Rounded, Scores } from '../score/reduction.ts';
import type { Unknown } from '../score/terms.ts';
import type { TorchSpec } from '../spec.ts';
import { type Group, isOut } from '../trace/group.ts';
import type { Module } from '../trace/module-graph.ts';
import { type Lowest, lowest, upToThreshold } from './ranking.ts';

/** The layers that a group holds heads of. */
export interface Attention {
  /** Query, key and value, or one layer of all three, in the order of the group as tracing found it. */
  readonly layers: readonly Module[];
  /** How many heads each of them has. */
  readonly heads: ReadonlyMap<Module, number>;
}

/** A group that is ranked. */
interface Ranked {
  readonly group: Group;
  readonly scored: { readonly scores: Rounded };
  readonly attention: Attention | null;
}

/** Whole heads that go. */
export interface HeadCut {
  /** Of the root's channels. */
  readonly channels: readonly number[];
  readonly heads: readonly number[];
  readonly scores: Scores;
  /** How many heads each layer is believed to have then. */
  readonly left: ReadonlyMap<Module, number>;
}

/** Most heads of any layer of a group: keys and values may have fewer. */
export function headsOf({ heads }: Attention): number {
  return Math.max(...heads.values());
}

/** Fewest: as many keys as several heads of queries share. */
function sharingOf({ heads }: Attention): number {
  return Math.min(...heads.values());
}

/**
 * Which heads go of each attention (base_pruner.py:494-511, 578-590, 643-706), by the mean of their channels' scores.
 * @param records all groups that are ranked
 */
export function headCuts<R extends Ranked>(records: readonly R[], spec: TorchSpec): ReadonlyMap<R, HeadCut | Unknown> {
  const cuts = new Map<R, HeadCut | Unknown>();
  if (!spec.prunesHeads || spec.headRatio === 0) return cuts;
  const scored = records.flatMap((record) => {
    const { attention } = record;
    return attention === null ? [] : [{ record, attention, scores: headScores(record, headsOf(attention)) }];
  });
  const chosen = spec.isGlobal ? chosenAmongAll(scored, spec.headRatio) : null;
  for (const each of scored) {
    const { record, attention, scores } = each;
    const found = chosen === null ? chosenHere(each, spec.headRatio) : chosen(each);
    cuts.set(record, 'unknown' in found ? found : headCut(attention, scores, found.heads));
  }
  return cuts;
}

interface Scored<R extends Ranked = Ranked> {
  readonly record: R;
  readonly attention: Attention;
  readonly scores: Rounded;
}

type Chosen = { readonly heads: readonly number[] } | Unknown;

/** `imp.view(num_heads, -1).mean(1)` */
function headScores({ scored: { scores } }: Ranked, count: number): Rounded {
  const size = scores.values.length / count;
  const mean = (of: Float64Array): Float64Array =>
    Float64Array.from({ length: count }, (_, head) => {
      const own = of.subarray(head * size, (head + 1) * size);
      return own.reduce((sum, value) => sum + value, 0) / size;
    });
  const values = mean(scores.values);
  // A mean rounds as often as it adds.
  const errors = mean(scores.errors).map((error, k) => error + size * scores.unit * Math.abs(values[k]!));
  return { values, errors, unit: scores.unit };
}

function tooNear(unit: number): Unknown {
  return {
    unknown: `which heads go hangs on scores that are nearer to one another than ${exactness(unit)}`,
    remedy: giveScores(unit),
    isRaised: false,
  };
}

function sure({ pruned, unsure }: Lowest, unit: number): Chosen {
  return unsure === null ? { heads: pruned } : tooNear(unit);
}

/** With a ranking of its own; heads that share a key's go from each of those groups alike. */
function chosenHere({ attention, scores }: Scored, ratio: number): Chosen {
  const count = scores.values.length;
  const going = Math.ceil(Math.min(ratio, 1) * count);
  const sharing = sharingOf(attention);
  if (sharing === count) return sure(lowest(scores, going), scores.unit);
  return lowestOfEach(scores, sharing, Math.ceil(going / sharing), count / sharing);
}

/** @param offset by how much Torch-Pruning takes the heads of a key to lie behind those of the one before */
function lowestOfEach({ values, errors, unit }: Rounded, sharing: number, going: number, offset: number): Chosen {
  const heads: number[] = [];
  for (let key = 0; key < sharing; key++) {
    const [start, end] = [key, key + 1].map((k) => Math.floor((k * values.length) / sharing));
    const found = sure(lowest({ values: values.slice(start, end), errors: errors.slice(start, end) }, going), unit);
    if ('unknown' in found) return found;
    heads.push(...found.heads.map((head) => head + Math.floor(key * offset)));
  }
  return { heads };
}

/** All heads in one ranking; how many there are was counted by the first layer of each group that has any (base_pruner.py:243). */
function chosenAmongAll(all: readonly Scored[], ratio: number): (each: Scored) => Chosen {
  const joined = {
    values: Float64Array.from(all.flatMap(({ scores }) => [...scores.values])),
    errors: Float64Array.from(all.flatMap(({ scores }) => [...scores.errors])),
  };
  const counted = all.reduce((sum, { record, attention }) => sum + firstCount(record, attention), 0);
  const going = joined.values.length - Math.trunc(counted * (1 - Math.min(ratio, 1)));
  const low = going > 0 ? upToThreshold(joined, going) : null;
  return ({ attention, scores }) => {
    if (low === null) return { heads: [] };
    if (low.unsure !== null) return tooNear(scores.unit);
    const heads = [...scores.values.keys()].filter((head) => scores.values[head]! <= low.threshold);
    const sharing = sharingOf(attention);
    if (sharing === scores.values.length) return { heads };
    // base_pruner.py:693, kv_head_id * num_kv_heads
    return lowestOfEach(scores, sharing, Math.ceil(heads.length / sharing), sharing);
  };
}

function firstCount({ group }: Ranked, { heads }: Attention): number {
  const first = group.items.find((item) => isOut(item) && heads.has(item.module));
  return first === undefined ? 0 : heads.get(first.module)!;
}

/** Query, key and value in one layer. */
const PACKED = 3;

function headCut(attention: Attention, scores: Scores, going: readonly number[]): HeadCut {
  const { layers, heads } = attention;
  const [first] = layers;
  const size = Math.floor(first!.outWidth! / (heads.get(first!)! * (layers.length === 1 ? PACKED : 1)));
  const most = headsOf(attention);
  return {
    heads: going,
    channels: going.flatMap((head) => Array.from({ length: size }, (_, k) => head * size + k)),
    scores,
    left: new Map([...heads].map(([module, count]) => [module, count === most ? count - going.length : count])),
  };
}
