import { dirname, join } from 'node:path';
import { InputError } from '../errors/input-error.ts';
import { openModel, writeModel } from '../files/index.ts';
import { type ChannelMap, type Network, readNetwork } from '../network/index.ts';
import type { Recovery } from '../recovery/index.ts';
import { type Cut, type HeadScale, scalesOf, writeCut, zeroEdits } from '../surgery/index.ts';
import { type NamedPair, type Pairs, pairsOf } from './pairs.ts';
import { type SharedHeads, sharedHeads } from './shared-heads.ts';

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
  const shared = sharedHeads(dense, recovery);
  const obstacle = notPlainlyCut(recovery, shared);
  if (obstacle !== null) return obstacle;
  const retained = (layer: string) => shared.retained.get(layer) ?? recovery.layers.get(layer)?.actual ?? null;
  const isScaled = scalesOf(pruned);
  // A number that a model computes of the size of its heads is written into its export.
  const scale = ({ product, value, anew }: HeadScale): number => (isScaled(product, anew) ? anew : value);
  try {
    const isGone = (id: number): boolean => recovery.correspondence.isGone(id) && !shared.unheard.has(id);
    writeMeasure(dense, { retained, asPruner: null, isGone, scale }, shared, path);
  } catch (error) {
    if (error instanceof InputError) return error.message.replace(`${dense.model.name}: `, '');
    throw error;
  }
  return { path, pairs: pairsInPlace(recovery, shared) };
}

/** Columns are set to zero before it is cut, in a copy of its own. */
function writeMeasure(dense: Network, cut: Cut, { zeros }: SharedHeads, path: string): void {
  const write = (network: Network): void => {
    writeCut(network, cut, new Map(), (edits, accept) => writeModel(network.model, edits, path, accept));
  };
  if (zeros.size === 0) return write(dense);
  const unheard = writeModel(dense.model, zeroEdits(dense.model, zeros), join(dirname(path), 'unheard.onnx')).path;
  const { model, close } = openModel(unheard);
  try {
    write(readNetwork({ ...model, name: dense.model.name }));
  } finally {
    close();
  }
}

/** Filters that are set to zero, stand in another order, are changed, or are not known to be which, are not to be had by cutting. */
function notPlainlyCut({ layers, changed, misplaced }: Recovery, { readers }: SharedHeads): string | null {
  for (const { name, zeroed, isPermuted, duplicated, actual } of layers.values()) {
    if (actual === null) return `the filters of ${name} are not known`;
    if (zeroed !== undefined) return `filters of ${name} are zeroed`;
    if (isPermuted || duplicated.length > 0) return `the filters of ${name} stand in another order`;
  }
  const [other] = [...changed.keys(), ...[...misplaced.keys()].filter((name) => !readers.has(name))];
  return other === undefined ? null : `${other} is not only cut`;
}

/** What is left stands in the same places in both models; where heads stay that nobody hears, only what has channels and none of those does. */
function pairsInPlace({ correspondence }: Recovery, { unheard }: SharedHeads): Pairs {
  const { dense, pruned } = correspondence;
  const inPlace = (pair: NamedPair): NamedPair => ({ ...pair, positions: null, isKnown: false });
  const isInOrder = (pair: NamedPair): boolean => {
    const [before, after] = [mapOf(dense, pair.dense), mapOf(pruned, pair.pruned)];
    if (before === null || after === null) return before === after && unheard.size === 0;
    if (unheard.size > 0 && before.ids.some((id) => unheard.has(id) || dense.shared.has(id))) return false;
    return correspondence.positions(before.ids, after.ids)?.every((at, k, all) => k === 0 || at > all[k - 1]!) ?? false;
  };
  const { outputs, layers } = pairsOf(correspondence);
  return { outputs: outputs?.map(inPlace) ?? null, layers: layers.filter(isInOrder).map(inPlace) };
}

function mapOf({ tensors }: Network, name: string): ChannelMap | null {
  const channels = tensors.get(name)?.channels ?? null;
  return channels !== null && 'ids' in channels ? channels : null;
}
