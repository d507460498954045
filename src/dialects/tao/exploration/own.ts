import type { Layer } from '../../../network/index.ts';
import type { Stat } from '../norms/importance.ts';
import { possibleCounts, retain } from '../retention.ts';
import { type Decision, ruled, unknown, whole } from './decision.ts';
import { type ExplorationState, keepsAll, statOf } from './state.ts';

/** What a layer's own stat decides (`_explore_conv_or_fc_layer`). */
export function ownDecision(state: ExplorationState, layer: Layer): Decision {
  if (keepsAll(state, layer)) return whole(layer.filters, [layer], 'excluded', layer.name);
  const stat = statOf(state, layer);
  return 'unknown' in stat ? unknown([layer], stat) : decide(state, stat, 'own', [layer]);
}

/** Applies the one-layer rule; where rounding decides how many filters pass, that is a choice. */
export function decide(
  { ground: { spec, choices } }: ExplorationState,
  stat: Stat,
  by: Decision['by'],
  members: readonly Layer[],
): Decision {
  const counts = possibleCounts(stat, spec);
  const names = (): string => members.map(({ name }) => name).join();
  const option = counts.length === 1 ? 0 : choices.choose(`count of ${names()}`, counts.length, members);
  return ruled(retain(stat, spec, counts[option]!), stat, by, members);
}
