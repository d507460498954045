import type { Layer } from '../../../network/index.ts';
import { widening } from '../keras.ts';
import type { Ground } from './state.ts';

/** What the targets of Reshape layers leave to be inferred. */
export interface ReshapeTargets {
  /** Whether a -1 stands in a layer's target, where that decides; a choice where the exporter wrote sizes in its place. */
  isInferred(layer: Layer): boolean;
}

export function reshapeTargets({ network, choices }: Ground): ReshapeTargets {
  return {
    isInferred(layer) {
      if (layer.targetShape !== null) return layer.targetShape.slice(1).includes(-1);
      // Who lays positions out along an axis seldom counts them.
      const isLikely = widening(network, layer) !== 1;
      const option = choices.choose(`target of ${layer.name}`, 2, []);
      return option === 0 ? isLikely : !isLikely;
    },
  };
}
