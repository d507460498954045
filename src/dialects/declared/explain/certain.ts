import type { RetainedIndices } from '../../../network/index.ts';
import { counted } from '../../../prose/index.ts';
import type { Certainties, Contradiction } from '../../types.ts';
import type { Decided } from '../decided.ts';
import type { Group } from '../groups.ts';
import { countFormula, leastOf, multipleOf, ruledCount } from '../keep/counts.ts';
import type { KeepKeys } from '../keys.ts';
import type { DeclaredSpec } from '../spec.ts';

/** What holds of layers whose scores are not known: how many filters a ratio leaves, and that coupled layers keep the same ones. */
export function certainties(decided: Decided, spec: DeclaredSpec): Certainties {
  return {
    summary: (names) =>
      names.every((name) => countOf(decided, name, spec) !== null)
        ? 'they keep as many filters as the rule leaves, and coupled layers the same ones'
        : 'coupled layers keep the same filters',
    contradiction(name, actual) {
      const kept = actual(name);
      const place = decided.of(name);
      if (kept === null || place === null || place.decision.kind === 'whole') return null;
      return countContradiction(decided, name, kept, spec) ?? partnerContradiction(place.group, name, kept, actual);
    },
  };
}

/** How many filters of a layer stay whatever its scores are; null where that hangs on them. */
function countOf(
  decided: Decided,
  name: string,
  spec: DeclaredSpec,
): { readonly count: number; readonly keep: KeepKeys } | null {
  const place = decided.of(name);
  if (place === null || place.group.problem !== null || place.group.whole !== null) return null;
  const keep = spec.keepOf(place.group.members[0]!.layer.name);
  const isMerged = spec.keys.group.score === 'or' || spec.keys.group.score === 'and';
  if (keep.blocks !== 1 || keep.ties === 'stay' || isMerged || spec.keys.importance.value === 'bn-gamma') return null;
  const { size } = place.group;
  const ruled = ruledCount(size, keep);
  return ruled === null ? null : { count: Math.max(multipleOf(size, ruled, keep), leastOf(size, keep)), keep };
}

function countContradiction(
  decided: Decided,
  name: string,
  kept: RetainedIndices,
  spec: DeclaredSpec,
): Contradiction | null {
  const known = countOf(decided, name, spec);
  if (known === null || known.count === kept.length) return null;
  const { size } = decided.of(name)!.group;
  return {
    problem: `kept ${counted(kept.length, 'filter')} where the rule leaves ${known.count}`,
    reason: `it keeps ${kept.length} of ${size} filters, where ${countFormula(size, known.keep)} leaves ${known.count} whatever the scores are`,
    specKey: spec.keepKey(name),
  };
}

/** Coupled layers that are pruned together keep the same filters. */
function partnerContradiction(
  { members, problem }: Group,
  name: string,
  kept: RetainedIndices,
  actual: (layer: string) => RetainedIndices | null,
): Contradiction | null {
  const own = members.find(({ layer }) => layer.name === name);
  if (problem !== null || own === undefined) return null;
  const channels = new Set(kept.map((filter) => own.channels[filter]));
  for (const other of members) {
    const theirs = other === own ? null : actual(other.layer.name);
    if (theirs === null) continue;
    if (theirs.length === channels.size && theirs.every((filter) => channels.has(other.channels[filter]))) continue;
    return {
      problem: 'keeps other filters than a layer with the same channels',
      reason: `it keeps other filters than ${other.layer.name}, which has the same channels`,
      specKey: 'group.coupled',
    };
  }
  return null;
}
