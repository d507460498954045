/**
 * The stricter of two values of a setting. Where neither is, as of two lists of verdicts, it is what asks for both: a value is weaker than another
 * exactly if this is not the value itself.
 * @param one what holds, defaults included; null for none
 */
export type Stricter<T> = (one: T | null, other: T | null) => T | null;

/** Of two values the one that reviewers hear more of. */
export interface Louder<T> {
  readonly louder: Stricter<T>;
}

/** A limit that a measure must not exceed; none allows all. */
export const smaller: Stricter<number> = (one, other) =>
  one === null || other === null ? (one ?? other) : Math.min(one, other);

/** A share that must be reached; none asks for nothing. */
export const larger: Stricter<number> = (one, other) =>
  one === null || other === null ? (one ?? other) : Math.max(one, other);

/** A distance that is forgiven; none forgives nothing. */
export const closer: Stricter<number> = (one, other) => (one === null || other === null ? null : Math.min(one, other));

export const either: Stricter<boolean> = (one, other) => one === true || other === true;
export const both: Stricter<boolean> = (one, other) => one === true && other === true;

/** Asked for, not said, forbidden: in this order. */
export const demanded: Stricter<boolean> = (one, other) => {
  if (one === true || other === true) return true;
  return one === null || other === null ? null : false;
};

/** Every word of both, in the order of `words`. */
export function union<T extends string>(words: readonly T[]): Stricter<readonly T[]> {
  return (one, other) => words.filter((word) => one?.includes(word) === true || other?.includes(word) === true);
}

/** The earlier of two words in the order of `words`. */
export function earlier<T extends string>(words: readonly T[]): Stricter<T> {
  return (one, other) => words.find((word) => word === one || word === other) ?? null;
}
