import type { PrunerFaults } from '../../types.ts';
import { inboundOf } from '../graph.ts';
import type { TaoRun } from '../run.ts';

/**
 * What the second phase does wrong without raising. A SeparableConv2D is made from its settings and never given its weights.
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
    rebuilt: new Map(network.layers.flatMap(({ name, halfOf }) => (halfOf === null ? [] : [[name, halfOf]]))),
  };
}
