import { counted, joined } from '../../prose/index.ts';
import type { Decision } from './exploration/decision.ts';
import type { Criterion, TaoSpec } from './spec.ts';

/** What merging does to the norms of one filter, as a reader would say it. */
const MEANING: Readonly<Record<Criterion, string>> = {
  union: 'the larger norm counts',
  intersection: 'the smaller norm counts',
  arithmetic_mean: 'the mean of the norms counts',
  geometric_mean: 'the geometric mean of the norms counts',
};

/** Two or three words for a table's column. */
export function ruleOf(decision: Decision | null, { criterion }: TaoSpec): string {
  if (decision === null) return 'not explored';
  switch (decision.by) {
    case 'unknown':
    case 'blocked':
      return 'unknown';
    case 'excluded':
    case 'broadcast':
      return decision.by;
    case 'own':
      return decision.rule ?? 'all';
    default:
      return `${decision.rule ?? 'all'}, after ${criterion}`;
  }
}

/** The spec's key behind a decision. */
export function specKeyOf(decision: Decision | null, spec: TaoSpec): string {
  if (decision?.by === 'excluded') return excluderOf(decision, spec) === null ? 'excluded_layers' : 'network';
  if (decision?.rule === 'minimum') return 'min_num_filters';
  return decision?.rule === 'granularity' ? 'granularity' : 'threshold';
}

/** Which rule decided a layer's retained indices, as one sentence. */
export function reasonOf(decision: Decision, name: string, spec: TaoSpec): string {
  const { by, note, members, retained } = decision;
  if (by === 'unknown' || by === 'blocked') return note ?? 'its weights could not be read';
  if (by === 'excluded') {
    const excluder = excluderOf(decision, spec);
    const excluded = `${note} is excluded${excluder === null ? '' : ` by ${excluder}`}`;
    return note === name
      ? `${excluded}, so it keeps every filter`
      : `${excluded}, so the layers equalized with it keep every filter`;
  }
  if (by === 'broadcast') return `it is broadcast by ${note}, so it is kept whole`;
  const others = members.filter((member) => member.name !== name).map((member) => member.name);
  const equalized =
    by === 'own' ? '' : `, equalized with ${joined(others)} (${spec.criterion}: ${MEANING[spec.criterion]})`;
  return `${countReason(decision, retained?.length ?? 0, spec)}${equalized}`;
}

/** Who excludes what the user's list does not; null for what it does. */
function excluderOf({ note }: Decision, { excluder, excludedLayers }: TaoSpec): string | null {
  return note === null || excludedLayers.has(note) ? null : excluder;
}

function countReason({ rule, passing, members }: Decision, kept: number, spec: TaoSpec): string {
  const exceed = `${counted(passing, 'filter')} ${passing === 1 ? 'exceeds' : 'exceed'} the threshold of ${spec.threshold}`;
  const makes = kept === members[0]?.filters ? `keeps all ${kept}` : `makes them ${kept}`;
  switch (rule) {
    case 'minimum':
      return `${exceed}, the minimum of ${spec.minNumFilters} ${makes}`;
    case 'granularity':
      return `${exceed}, the granularity of ${spec.granularity} ${makes}`;
    case 'all':
      return `all ${kept} filters exceed the threshold of ${spec.threshold}`;
    default:
      return exceed;
  }
}
