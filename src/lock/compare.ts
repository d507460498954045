import type { Place } from '../errors/place.ts';
import type { RetainedIndices } from '../network/index.ts';
import { sameFilters } from '../prose/index.ts';
import type { Lock, LockableModel, LockedLayer, LockedModel } from './types.ts';

/** A layer of which another list was agreed than there is; null where one side has none. */
export interface LockDifference {
  readonly layer: string;
  readonly agreed: RetainedIndices | null;
  readonly now: RetainedIndices | null;
  /** Of the dense layer, as they were agreed and as they are. */
  readonly filters: { readonly agreed: number | null; readonly now: number | null };
}

/** How a model stands to what was agreed of it. */
export interface LockComparison {
  readonly file: string;
  /** Whether the lock has an entry of the model at all. */
  readonly isAgreed: boolean;
  /** Whether something is another than when it was agreed; null where nothing was. */
  readonly changed: { readonly spec: boolean | null; readonly weights: boolean | null };
  /** In the order of the model; layers that the model does not have come last. */
  readonly differences: readonly LockDifference[];
  /** Layers of which nothing was agreed. */
  readonly open: readonly string[];
  /** Models of the lock that nobody checks. */
  readonly strangers: readonly string[];
  /** Where a layer of the model, a model, or the lock itself stands. */
  at(layer: string | null, model?: string): Place;
}

/**
 * @param model its name in the lock
 * @param strangers models of the lock that are not among those that are checked
 */
export function compareLock(
  lock: Lock,
  model: string,
  now: LockableModel,
  strangers: readonly string[],
): LockComparison {
  const agreed = lock.models.get(model) ?? null;
  return {
    file: lock.file,
    isAgreed: agreed !== null,
    changed: {
      spec: agreed === null ? null : agreed.spec !== now.spec || agreed.dialect !== now.dialect,
      weights: agreed === null ? null : agreed.weights !== now.weights,
    },
    differences: agreed === null ? [] : differencesOf(agreed, now),
    open: agreed === null ? [] : now.layers.filter(({ name }) => !agreed.layers.has(name)).map(({ name }) => name),
    strangers,
    at: (layer, own = model) =>
      lock.at(['models', ...(lock.models.has(own) ? [own, ...(layer === null ? [] : ['layers', layer])] : [])]),
  };
}

function differencesOf(agreed: LockedModel, { layers }: LockableModel): readonly LockDifference[] {
  const own = layers.flatMap(({ name, filters, actual }) => {
    const known = agreed.layers.get(name);
    // What is not known of a layer is not another thing than was agreed.
    return known === undefined || actual === null ? [] : difference(name, known, { filters, retained: actual });
  });
  const names = new Set(layers.map(({ name }) => name));
  const gone = [...agreed.layers].filter(([name]) => !names.has(name));
  return [...own, ...gone.flatMap(([name, known]) => difference(name, known, null))];
}

/** What a lock asks to agree to of a model that another one does not say. */
export function lockChanges(before: LockedModel | null, after: LockedModel | null): readonly LockDifference[] {
  const names = new Set([...(after?.layers.keys() ?? []), ...(before?.layers.keys() ?? [])]);
  return [...names].flatMap((name) =>
    difference(name, before?.layers.get(name) ?? null, after?.layers.get(name) ?? null),
  );
}

/** Nothing where both are there and the same. */
function difference(layer: string, old: LockedLayer | null, now: LockedLayer | null): readonly LockDifference[] {
  if (old !== null && now !== null && old.filters === now.filters && sameFilters(old.retained, now.retained)) return [];
  return [
    {
      layer,
      agreed: old?.retained ?? null,
      now: now?.retained ?? null,
      filters: { agreed: old?.filters ?? null, now: now?.filters ?? null },
    },
  ];
}
