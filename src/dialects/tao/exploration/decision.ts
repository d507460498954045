import type { Layer, RetainedIndices } from '../../../network/index.ts';
import { allFilters } from '../../../prose/index.ts';
import type { Tie } from '../../explained.ts';
import type { Stat } from '../norms/importance.ts';
import type { CountRule, Retention } from '../retention.ts';

/** What was last written to a layer's retained indices, and why. */
export interface Decision {
  /** null where it cannot be known. */
  readonly retained: RetainedIndices | null;
  /** `unknown` where norms are, `blocked` where even the partners are, behind an operator that could not be placed. */
  readonly by: 'own' | 'pair' | 'group' | 'excluded' | 'broadcast' | 'unknown' | 'blocked';
  /** Layers whose stats were merged, in merging order; the layer itself for its own rule. */
  readonly members: readonly Layer[];
  /** Whether a depthwise convolution had a part in it. */
  readonly isDepthwise: boolean;
  readonly stat: Stat | null;
  readonly rule: CountRule | null;
  readonly passing: number;
  readonly tie: Tie | null;
  /** Why nothing is known, or which excluded layer keeps all. */
  readonly note: string | null;
  readonly remedy: string | null;
}

/** A layer's own stat, or why there is none. */
export type OwnStat = Stat | Unknown;

export interface Unknown {
  readonly unknown: string;
  /** What the user can do about it. */
  readonly remedy: string | null;
}

const UNDECIDED = { stat: null, rule: null, passing: 0, tie: null, note: null, remedy: null } as const;

type Origin = Pick<Decision, 'by' | 'members' | 'isDepthwise'>;

function of(by: Decision['by'], members: readonly Layer[]): Origin {
  return { by, members, isDepthwise: by === 'pair' || members.some(({ kind }) => kind === 'depthwise') };
}

/** The one-layer rule applied to an own or merged stat. */
export function ruled(retention: Retention, stat: Stat, by: Decision['by'], members: readonly Layer[]): Decision {
  return { ...retention, ...of(by, members), stat, note: null, remedy: null };
}

/**
 * All filters are kept.
 * @param count how many indices are written: those of the first member
 * @param note the excluded layer, or the layer that broadcasts
 */
export function whole(
  count: number,
  members: readonly Layer[],
  by: 'excluded' | 'broadcast',
  note: string | null,
): Decision {
  return { ...UNDECIDED, retained: allFilters(count), ...of(by, members), note };
}

export function unknown(members: readonly Layer[], { unknown: note, remedy }: Unknown): Decision {
  return { ...UNDECIDED, retained: null, ...of('unknown', members), note, remedy };
}

/** Even which layers are partners is not known. */
export function blocked(members: readonly Layer[], note: string): Decision {
  return { ...UNDECIDED, retained: null, ...of('blocked', members), note };
}
