/** Items of one kind; the first stands for them. */
export type Group<T> = readonly [T, ...T[]];

/** Items that share a key, in the order in which the first of each comes. */
export function groupedBy<T>(items: readonly T[], keyOf: (item: T) => string): readonly Group<T>[] {
  const groups = new Map<string, [T, ...T[]]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}
