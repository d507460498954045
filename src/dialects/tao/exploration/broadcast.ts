import type { Layer } from '../../../network/index.ts';
import { TaoError } from '../refusal.ts';
import type { ExplorationState } from './state.ts';

/** What is left of an element-wise layer's parents, in the order in which the pruner has them. */
interface Survivors {
  readonly equalized: readonly Layer[];
  /** Kept whole, because they have one filter that is broadcast. */
  readonly dropped: readonly Layer[];
}

/** Orders of this many parents are tried one by one. */
const MAX_ORDERED = 6;

/**
 * Parents with one filter are dropped from the group, by a loop that pops from the list that it walks: the parent behind
 * a popped one is never looked at (pruning.py `_explore_elmtwise_layer`). The list comes from a Python set, so its order is
 * a choice where it matters.
 * @throws TaoError for a parent without `filters`
 */
export function survivors(
  { ground: { choices } }: ExplorationState,
  layer: Layer,
  parents: readonly Layer[],
): Survivors {
  const isOpen =
    parents.some(isBroadcast) && parents.filter((parent) => isBroadcast(parent) || isDense(parent)).length > 1;
  const outcomes = isOpen ? distinct(orders(parents).map(walked)) : [walked(parents)];
  const option =
    outcomes.length === 1 ? 0 : choices.choose(`broadcast parents of ${layer.name}`, outcomes.length, parents);
  const { equalized, dropped, raises } = outcomes[option]!;
  if (raises) throw new TaoError('AttributeError', "'Dense' object has no attribute 'filters'", layer.name);
  return { equalized, dropped };
}

interface Walked extends Survivors {
  /** A Dense layer was looked at, which has units. */
  readonly raises: boolean;
}

function walked(parents: readonly Layer[]): Walked {
  const equalized = [...parents];
  const dropped: Layer[] = [];
  for (let k = 0; k < equalized.length; k++) {
    const parent = equalized[k]!;
    if (isDense(parent)) return { equalized, dropped, raises: true };
    if (!isBroadcast(parent)) continue;
    dropped.push(parent);
    equalized.splice(k, 1);
  }
  return { equalized, dropped, raises: false };
}

function isBroadcast({ kind, filters }: Layer): boolean {
  return kind === 'conv' && filters === 1;
}

function isDense({ kind }: Layer): boolean {
  return kind === 'dense';
}

/** Those that drop every parent of one filter first: they are what the pruner means. */
function distinct(all: readonly Walked[]): readonly Walked[] {
  const known = new Map<string, Walked>();
  for (const one of all) {
    // All of a group that is excluded get as many indices as the first one has filters.
    const left = one.equalized.map(({ id }) => id).sort((a, b) => a - b);
    const key = one.raises ? 'raises' : [one.equalized[0]?.filters, ...left].join();
    if (!known.has(key)) known.set(key, one);
  }
  return [...known.values()].sort((a, b) => Number(a.raises) - Number(b.raises) || b.dropped.length - a.dropped.length);
}

/** All orders of a few parents; of more, each parent first once and last once. */
function orders(parents: readonly Layer[]): readonly (readonly Layer[])[] {
  if (parents.length > MAX_ORDERED)
    return parents.flatMap((_, k) => {
      const turned = [...parents.slice(k), ...parents.slice(0, k)];
      return [turned, turned.toReversed()];
    });
  let all: (readonly Layer[])[] = [[]];
  for (const parent of parents)
    all = all.flatMap((order) =>
      Array.from({ length: order.length + 1 }, (_, k) => [...order.slice(0, k), parent, ...order.slice(k)]),
    );
  return all;
}
