/** A function of one object that never changes, asked again and again: its result is kept as long as the object. */
export function once<K extends object, V>(find: (key: K) => V): (key: K) => V {
  const known = new WeakMap<K, { readonly value: V }>();
  return (key) => {
    const before = known.get(key);
    if (before !== undefined) return before.value;
    const value = find(key);
    known.set(key, { value });
    return value;
  };
}

/** The same of a word or a number, or of an object that is there as long as this function is: all are kept. */
export function onceByValue<P, V>(find: (part: P) => V): (part: P) => V {
  const known = new Map<P, { readonly value: V }>();
  return (part) => {
    const found = known.get(part) ?? { value: find(part) };
    known.set(part, found);
    return found.value;
  };
}

/** The same of an object and such a part, which is kept as long as the object. */
export function onceFor<K extends object, P, V>(find: (key: K, part: P) => V): (key: K, part: P) => V {
  const ofKey = once((key: K) => onceByValue((part: P) => find(key, part)));
  return (key, part) => ofKey(key)(part);
}
