import type { Network } from '../network/index.ts';
import { type SkeletonCall, skeletonOf } from './align/skeleton.ts';
import type { ChannelCorrespondence } from './correspondence.ts';
import type { Disagreement } from './types.ts';

/** Layers that read another of the model's inputs than before: every weight is right, and the function is another. */
export function exchangedInputs({ dense, pruned, partner, calls }: ChannelCorrespondence): readonly Disagreement[] {
  const denseName = denseInputs(dense, pruned);
  if (denseName === null) return [];
  const before = new Map<string, SkeletonCall['inputs']>(
    skeletonOf(dense).map(({ layer, call, inputs }) => [`${layer.id} ${call}`, inputs]),
  );
  return skeletonOf(pruned).flatMap(({ layer, call, inputs }): Disagreement[] => {
    const other = partner.get(layer.id);
    const own = before.get(`${other?.id} ${calls.get(layer.id)?.[call]}`);
    if (other === undefined || own === undefined) return [];
    const now = inputs.map((group) => group.map((name) => denseName.get(name)!));
    // Where an operator was written in another way, inputs may count otherwise; only other inputs are a difference.
    if (now.flat().length !== own.flat().length || inWords(now) === inWords(own)) return [];
    const detail = `it reads ${inWords(now)} of the model's inputs, the dense one ${inWords(own)}`;
    return [{ tensor: `the input of ${other.name}`, consumer: other.name, detail }];
  });
}

/** The dense model's name of each input of the pruned one: its own where both have the same names, else by their order. */
function denseInputs(dense: Network, pruned: Network): ReadonlyMap<string, string> | null {
  const [before, after] = [namesOf(dense), namesOf(pruned)];
  if (before.length !== after.length || before.length < 2) return null;
  const isSame = after.every((name) => before.includes(name));
  return new Map(after.map((name, k) => [name, isSame ? name : before[k]!]));
}

function namesOf({ layers, model }: Network): readonly string[] {
  const read = new Set(layers.filter(({ kind }) => kind === 'input').map(({ name }) => name));
  return model.graph.inputs.map(({ name }) => name).filter((name) => read.has(name));
}

/** What is concatenated in its order, what is added in none. */
function inWords(groups: readonly (readonly string[])[]): string {
  return groups
    .filter((group) => group.length > 0)
    .map((group) => [...group].sort().join(' and '))
    .join(', ');
}
