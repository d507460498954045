import { sequence } from './range.ts';

/** Numbers from 0 that are joined to sets; the least of a set stands for it. */
export interface DisjointSets {
  rootOf(id: number): number;
  join(a: number, b: number): void;
}

export function disjointSets(size: number): DisjointSets {
  const parents = sequence(size);
  const rootOf = (id: number): number => {
    let root = id;
    while (parents[root] !== root) root = parents[root]!;
    // Shortened, so that no chain is walked twice.
    for (let at = id; at !== root; ) [at, parents[at]] = [parents[at]!, root];
    return root;
  };
  return {
    rootOf,
    join(a, b) {
      const [p, q] = [rootOf(a), rootOf(b)];
      parents[Math.max(p, q)] = Math.min(p, q);
    },
  };
}
