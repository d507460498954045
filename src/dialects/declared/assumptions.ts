import type { Network, RetainedIndices } from '../../network/index.ts';
import { sameFilters } from '../../prose/index.ts';
import type { Certainties, LayerExpectation } from '../types.ts';

type Layers = ReadonlyMap<string, LayerExpectation>;

/** So many bits are not chosen by chance: as much as twenty layers that keep one filter of two. */
const TELLING = 20;

/**
 * What the pruned model keeps may settle whether the dense weights are those that its pruner saw: they are where most layers of
 * which that is open keep just what these weights ask for. And no weights at all make a rule keep another number of filters.
 */
export function withoutSettled(
  layers: Layers,
  { prunable }: Network,
  actual: (layer: string) => RetainedIndices | null,
  certain: Certainties,
): Layers {
  const open = [...layers.values()].filter(
    ({ name, assumes, expected }) =>
      assumes !== null && expected !== null && expected.length < (prunable.get(name)?.filters ?? 0),
  );
  if (open.length === 0) return layers;
  const right = open.filter(({ name, expected }) => sameFilters(actual(name), expected));
  const bits = right.reduce(
    (sum, { name, expected }) => sum + choices(prunable.get(name)!.filters, expected!.length),
    0,
  );
  const isBorneOut = right.length * 2 > open.length && bits >= TELLING;
  const isSettled = ({ name, assumes }: LayerExpectation): boolean =>
    assumes !== null && (isBorneOut || certain.contradiction(name, actual) !== null);
  return new Map([...layers].map(([name, layer]) => [name, isSettled(layer) ? { ...layer, assumes: null } : layer]));
}

/** The binary logarithm of the number of ways to choose k of n. */
function choices(n: number, k: number): number {
  let bits = 0;
  for (let i = 1; i <= Math.min(k, n - k); i++) bits += Math.log2((n - i + 1) / i);
  return bits;
}
