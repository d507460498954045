import type { Network, RetainedIndices } from '../../../network/index.ts';
import type { Exploration } from '../exploration/explore.ts';
import { claimsOf } from './claims.ts';

/**
 * The input columns that the real pruner keeps of a layer, which are not always those of the channels that reach it: it
 * cuts by the record of the *first* inbound layer, and expands it over a channels_first Flatten as if channels came
 * first (`np.repeat`, pruning.py `_prune_explored_flatten_layer`), though Keras flattens channels last.
 * @param retained what each layer really keeps
 * @returns sorted dense column positions of a layer; null where they cannot be determined, or are all
 */
export function columnsCut(
  network: Network,
  exploration: Exploration,
  retained: (layer: string) => RetainedIndices | null,
): (consumer: string) => RetainedIndices | null {
  const claims = claimsOf(network, exploration, ({ name }) => retained(name));
  return (consumer) => {
    const first = network.prunable.get(consumer)?.calls[0]?.inputs[0];
    const claim = first === undefined ? null : claims.get(network.layers[first]!);
    return claim === undefined || claim === 'none' ? null : claim;
  };
}
