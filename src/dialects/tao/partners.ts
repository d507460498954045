import { type Layer, once } from '../../network/index.ts';
import type { MemberValues } from '../explained.ts';
import type { Decision } from './exploration/decision.ts';
import { normalized } from './norms/importance.ts';
import type { TaoRun } from './run.ts';
import type { Criterion } from './spec.ts';

/** Layers whose values were merged with a layer's own. */
export interface Partners {
  readonly count: number;
  /** Up to so many, the layer itself first. */
  listed(most: number): readonly MemberValues[];
  /** The partner whose norm makes the difference for a filter. */
  strongest(filter: number): MemberValues;
}

/** The members of a group with as many filters as the layer, whose values are known. */
export function partnersOf(layer: Layer, { members }: Decision, run: TaoRun): Partners {
  const { known, strongest } = groupsOf(run)(members)(layer.filters);
  const own = known.has(layer) ? 1 : 0;
  return {
    count: known.size - own,
    listed(most) {
      const listed = [valuesOf(run)(layer)!];
      for (const [member, values] of known) {
        if (listed.length >= most) break;
        if (member !== layer) listed.push(values);
      }
      return listed;
    },
    strongest: (filter) => strongest(filter).find(({ member }) => member !== layer)!.values,
  };
}

/** A layer's values; null where they are not known. */
const valuesOf = once(({ norms, spec }: TaoRun) =>
  once((layer: Layer): MemberValues | null => {
    const measured = norms.get(layer);
    if (measured === undefined || 'unknown' in measured) return null;
    const { values } = normalized(measured, spec.normalizer);
    return { name: layer.name, norms: [...measured.values], values: [...values] };
  }),
);

interface Alike {
  readonly known: ReadonlyMap<Layer, MemberValues>;
  /** The two members whose value for a filter is the most telling, the most telling first. */
  strongest(filter: number): readonly Strong[];
}

interface Strong {
  readonly member: Layer;
  readonly values: MemberValues;
}

/** Members are looked through once for all of them, which may be thousands. */
const groupsOf = once((run: TaoRun) =>
  once((members: readonly Layer[]) => {
    const bySize = new Map<number, Alike>();
    return (filters: number): Alike => {
      const found = bySize.get(filters) ?? alike(members, filters, run);
      bySize.set(filters, found);
      return found;
    };
  }),
);

function alike(members: readonly Layer[], filters: number, run: TaoRun): Alike {
  const known = new Map<Layer, MemberValues>();
  for (const member of members) {
    const values = member.filters === filters ? valuesOf(run)(member) : null;
    if (values !== null) known.set(member, values);
  }
  const strongest = new Map<number, readonly Strong[]>();
  return {
    known,
    strongest(filter) {
      const found = strongest.get(filter) ?? twoStrongest(known, filter, run.spec.criterion);
      strongest.set(filter, found);
      return found;
    },
  };
}

/** Of equal ones the first. */
function twoStrongest(
  known: ReadonlyMap<Layer, MemberValues>,
  filter: number,
  criterion: Criterion,
): readonly Strong[] {
  const wins = (a: number, b: number): boolean => (criterion === 'intersection' ? a < b : a > b);
  const two: Strong[] = [];
  for (const [member, values] of known) {
    const at = two.findIndex((other) => wins(values.values[filter]!, other.values.values[filter]!));
    two.splice(at < 0 ? two.length : at, 0, { member, values });
    if (two.length > 2) two.pop();
  }
  return two;
}
