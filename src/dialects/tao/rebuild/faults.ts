import type { PrunerFaults } from '../../types.ts';
import { inboundOf } from '../graph.ts';
import { isFusion } from '../keras.ts';
import type { TaoRun } from '../run.ts';

/**
 * What the second phase does wrong without raising. A SeparableConv2D and a WeightedFusion are made from their settings and never
 * given their weights.
 * Outputs of the new model are those of layers that no other reads, so that an output in the middle is lost (pruning.py `prune`).
 */
export function faultsOf({ network, rules }: TaoRun): PrunerFaults {
  const read = new Set(
    network.layers.flatMap((layer) => inboundOf(network, layer).filter((inbound) => inbound !== layer)),
  );
  const lost = network.outputs.flatMap(({ tensor, name, layer }) =>
    layer !== null && read.has(layer) && !rules.keepsOutput(name) ? [tensor] : [],
  );
  return {
    lostOutputs: new Set(lost),
    rebuilt: new Map(
      network.layers.flatMap((layer): [string, string][] => {
        const { name, halfOf } = layer;
        if (halfOf !== null) return [[name, halfOf]];
        return isFusion(layer) && rules.fusion === 'equalizes' ? [[name, name]] : [];
      }),
    ),
  };
}
