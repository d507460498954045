import type { Model } from './model.ts';

/** A dense model, what a real pruner made of it, and the spec that it was given: a check of it conforms. */
export interface Pair {
  readonly name: string;
  readonly dense: Model;
  readonly pruned: Model;
  /** As the check is given it. */
  readonly spec: Readonly<Record<string, unknown>>;
  /** What the built-in pruner makes of a dense model by a spec; null where it refuses. */
  prune(dense: Model, spec: Readonly<Record<string, unknown>>): Model | null;
}

export type Claim =
  /** The model does not compute what the pruner's does, or is not the one that was to be made: no check may pass it. */
  | 'wrong'
  /** It computes the same: no check may fail it. */
  | 'harmless';

/** A pair that was changed; what is left out is as it was. */
export interface Variant {
  readonly dense?: Model;
  readonly pruned?: Model;
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** One way to change a right pair. */
export interface Kind {
  readonly name: string;
  readonly claim: Claim;
  /**
   * Who says whether the changed model computes the same: onnxruntime, which runs both, or nobody where the change is not of
   * the function (another interface, a folded dense model, another spec).
   */
  readonly judge: 'onnxruntime' | 'none';
  /** Where it is a mistake of use, which is refused as one: the exit statuses that a check may have, instead of those of its claim. */
  readonly exits?: ReadonlySet<number>;
  /** Changed pairs, one for each place that it applies to. None where it applies nowhere. */
  make(pair: Pair): Iterable<Variant>;
}

/** A kind that changes a copy of the pruned model in place, for each place that `places` finds; false where a place does not do. */
export function edits<P>(
  name: string,
  claim: Claim,
  places: (model: Model, pair: Pair) => readonly P[],
  edit: (model: Model, place: P, pair: Pair) => boolean | undefined,
): Kind {
  return {
    name,
    claim,
    judge: 'onnxruntime',
    *make(pair) {
      const count = places(pair.pruned, pair).length;
      for (const at of spread(count)) {
        const pruned = pair.pruned.copy();
        // Places are found anew, because they are parts of the copy.
        if (edit(pruned, places(pruned, pair)[at]!, pair) !== false) yield { pruned };
      }
    },
  };
}

/** At most this many places of a kind are tried in one model. */
const MAX_PLACES = 6;

/** Places spread evenly over all, the middle first: ends of a model are often special. */
function spread(count: number): number[] {
  const taken = Math.min(count, MAX_PLACES);
  const all = Array.from({ length: taken }, (_, k) => Math.floor(((k + 0.5) * count) / taken));
  return all.sort((a, b) => Math.abs(a - count / 2) - Math.abs(b - count / 2));
}

/** For kinds with a judge of their own. */
export function unjudged(name: string, claim: Claim, make: (pair: Pair) => Iterable<Variant>): Kind {
  return { name, claim, judge: 'none', make };
}

/** The same change made to the dense model instead: what an exporter writes in one file and not in the other is no difference. */
export function inDense(kind: Kind): Kind {
  return {
    ...kind,
    name: `${kind.name}, in the dense model`,
    judge: 'none',
    *make(pair) {
      // Torch-Pruning takes the scores of what it comes to first, which the order of operands decides.
      if (/operands/.test(kind.name) && JSON.stringify(pair.spec).includes('"group_reduction":"first"')) return;
      for (const { pruned } of kind.make({ ...pair, pruned: pair.dense, dense: pair.pruned }))
        if (pruned !== undefined) yield { dense: pruned };
    },
  };
}
