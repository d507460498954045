import { InputError } from '../errors/input-error.ts';
import { writeModel } from '../files/index.ts';
import type { ChannelMap, Network } from '../network/index.ts';
import type { Recovery } from '../recovery/index.ts';
import { type HeadScale, scalesOf, writeCut } from '../surgery/index.ts';
import { type NamedPair, type Pairs, pairsOf } from './pairs.ts';

/** A dense model of which the channels that went are cut away, so that it computes what a pruned one should. */
export interface CutMeasure {
  readonly path: string;
  readonly pairs: Pairs;
}

/**
 * Cuts the dense model by the filters that recovery found. What mixes channels without weights (LayerNorm, a mean, a softmax over them)
 * computes another thing of fewer channels than of zeros among more; of the same channels it computes the same.
 * @returns a clause that says why it cannot be cut
 */
export function cutMeasure(dense: Network, pruned: Network, recovery: Recovery, path: string): CutMeasure | string {
  const obstacle = notPlainlyCut(recovery);
  if (obstacle !== null) return obstacle;
  const retained = (layer: string) => recovery.layers.get(layer)?.actual ?? null;
  const isScaled = scalesOf(pruned);
  // A number that a model computes of the size of its heads is written into its export.
  const scale = ({ product, value, anew }: HeadScale): number => (isScaled(product, anew) ? anew : value);
  try {
    const { isGone } = recovery.correspondence;
    writeCut(dense, { retained, asPruner: null, isGone, scale }, new Map(), (edits, accept) =>
      writeModel(dense.model, edits, path, accept),
    );
  } catch (error) {
    if (error instanceof InputError) return error.message.replace(`${dense.model.name}: `, '');
    throw error;
  }
  return { path, pairs: pairsInPlace(recovery) };
}

/** Filters that are set to zero, stand in another order, are changed, or are not known to be which, are not to be had by cutting. */
function notPlainlyCut({ layers, changed, misplaced }: Recovery): string | null {
  for (const { name, zeroed, isPermuted, duplicated, actual } of layers.values()) {
    if (actual === null) return `the filters of ${name} are not known`;
    if (zeroed !== undefined) return `filters of ${name} are zeroed`;
    if (isPermuted || duplicated.length > 0) return `the filters of ${name} stand in another order`;
  }
  const [other] = [...changed.keys(), ...misplaced.keys()];
  return other === undefined ? null : `${other} is not only cut`;
}

/** What is left stands in the same places in both models. */
function pairsInPlace({ correspondence }: Recovery): Pairs {
  const { dense, pruned } = correspondence;
  const inPlace = (pair: NamedPair): NamedPair => ({ ...pair, positions: null, isKnown: false });
  const isInOrder = (pair: NamedPair): boolean => {
    const [before, after] = [mapOf(dense, pair.dense), mapOf(pruned, pair.pruned)];
    if (before === null || after === null) return before === after;
    return correspondence.positions(before.ids, after.ids)?.every((at, k, all) => k === 0 || at > all[k - 1]!) ?? false;
  };
  const { outputs, layers } = pairsOf(correspondence);
  return { outputs: outputs?.map(inPlace) ?? null, layers: layers.filter(isInOrder).map(inPlace) };
}

function mapOf({ tensors }: Network, name: string): ChannelMap | null {
  const channels = tensors.get(name)?.channels ?? null;
  return channels !== null && 'ids' in channels ? channels : null;
}
