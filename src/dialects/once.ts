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
