import type { NetworkNode } from '../network/index.ts';
import type { ChannelCorrespondence } from '../recovery/index.ts';
import type { Side } from './differences.ts';
import { sidesOf } from './sides.ts';

/** Tensors that compute the same, by their nodes: those that only lay elements out anew are left out. */
export interface EqualTensors {
  readonly dense: NetworkNode;
  readonly pruned: NetworkNode;
  /** The dense layer that begins to compute it. */
  readonly layer: string;
}

/**
 * Which tensor of the dense model each of the pruned one is, by what computes it: a call of a layer that recovery paired, or the
 * same function of the same layers. In the order in which the pruned model computes them.
 */
export function equalTensors(correspondence: ChannelCorrespondence): readonly EqualTensors[] {
  const { before, after } = sidesOf(correspondence);
  const [denseEnds, prunedEnds] = [endsOf(before), endsOf(after)];
  const places = new Map<number, number[]>();
  for (const at of denseEnds.keys()) {
    const { number } = before.values[at]!;
    const own = places.get(number);
    if (own === undefined) places.set(number, [at]);
    else own.push(at);
  }
  const seen = new Map<number, number>();
  return [...prunedEnds].flatMap(([at, pruned]) => {
    const { number } = after.values[at]!;
    // Where several have one number, in their order: what was tried out on some numbers only may differ on others.
    const nth = seen.get(number) ?? 0;
    seen.set(number, nth + 1);
    const own = places.get(number) ?? [];
    const place = own[Math.min(nth, own.length - 1)];
    const dense = place === undefined ? undefined : denseEnds.get(place);
    if (place === undefined || dense === undefined) return [];
    const begun = before.network.tensors.get(before.operations.all[place]!.tensor)!;
    return [{ dense, pruned, layer: before.name(begun.layer) }];
  });
}

/**
 * The node that ends each operation. One exporter folds BatchNorm or a bias into the layer, another writes them behind it: what comes
 * out at the end is the same. Where several nodes end one, none does.
 */
function endsOf({ network, operations: { all, made } }: Side): ReadonlyMap<number, NetworkNode> {
  const ends = new Map<number, NetworkNode>();
  /** By tensor: the end that it is, laid out anew or not. */
  const known = new Map<string, NetworkNode>();
  const branching = new Set<number>();
  for (const node of network.nodes) {
    const [output = ''] = node.outputs;
    const at = made.get(output);
    if (at === undefined || all[at]!.op === 'Input') continue;
    const read = node.inputs.flatMap((name) => (made.get(name) === at ? (known.get(name) ?? []) : []))[0];
    if (node.role === 'layout' && read !== undefined) {
      known.set(output, read);
      continue;
    }
    if (ends.has(at) && ends.get(at) !== read) branching.add(at);
    ends.set(at, node);
    known.set(output, node);
  }
  for (const at of branching) ends.delete(at);
  return ends;
}
