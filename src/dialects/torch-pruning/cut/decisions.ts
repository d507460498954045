import type { RetainedIndices } from '../../../network/index.ts';
import { allFilters } from '../../../prose/index.ts';
import type { Tie } from '../../explained.ts';
import type { JointOutcomes } from '../../types.ts';
import { exactness, giveScores } from '../score/half-precision.ts';
import type { Unknown } from '../score/terms.ts';
import type { TorchSpec } from '../spec.ts';
import { type Group, groupOf, isOut } from '../trace/group.ts';
import type { Dependencies } from '../trace/groups.ts';
import { type Count, cutScope, type GroupCut, MAX_OUTCOMES, picksOf, type ScopeCut, widthOf } from './cutting.ts';
import { type GroupedInputs, groupedInputs } from './grouped-inputs.ts';
import type { HeadCut } from './heads.ts';
import { type Pruned, type Pruning, prune } from './pruning.ts';
import type { Fate, RankedGroup, Ranking, Scope } from './ranked-groups.ts';

/** What became of a group, and by which numbers. */
export type Decision =
  | Exclude<Fate, { kind: 'ranked' }>
  | {
      readonly kind: 'cut';
      readonly record: RankedGroup;
      readonly scope: Scope;
      readonly count: Count;
      readonly cut: GroupCut;
      readonly heads: HeadCut | null;
      readonly pruning: Exclude<Pruning, { kind: 'beyond' | 'unsure' }>;
      /** Where equal scores lie on the cut, in the channels of each layer of the group. */
      readonly tie: Tie | null;
    };

export interface Decisions {
  readonly byGroup: ReadonlyMap<Group, Decision>;
  /** Outcomes of groups that rounding decides in other ways than by a tie. */
  readonly joint: readonly JointOutcomes[];
  readonly groupedInputs: GroupedInputs;
}

/** Decides every group, scope by scope. */
export function decide(dependencies: Dependencies, { fates, scopes, heads }: Ranking, spec: TorchSpec): Decisions {
  const { flows, parameters } = dependencies;
  const byGroup = new Map<Group, Decision>();
  const joint: JointOutcomes[] = [];
  for (const [group, fate] of fates) if (fate.kind !== 'ranked') byGroup.set(group, fate);
  for (const scope of scopes.values()) {
    if (scope.unknown !== null) {
      const why = inScope(scope.unknown);
      for (const { origin } of scope.records) byGroup.set(origin, { kind: 'unknown', why });
      continue;
    }
    const cut = cutScope(scope, spec);
    const { ties, outcomes, unclear } = outcomesOf(cut, dependencies);
    // Heads go only where the ratio takes channels at all (base_pruner.py:610).
    const pruned = { flows, parameters, spec, heads: cut.count.staying < cut.count.channels ? heads : new Map() };
    for (const record of scope.records)
      if (fates.get(record.origin)?.kind === 'ranked')
        byGroup.set(record.origin, decisionOf(record, scope, cut, ties.get(record) ?? null, unclear, pruned));
    if (outcomes.length > 1) joint.push(jointOf(scope.records, outcomes, pruned));
  }
  // Positions beyond a root reach its neighbours in a concatenation, whatever their own groups are.
  if ([...byGroup.values()].some((decision) => decision.kind === 'unknown' && decision.why === BEYOND))
    for (const [group, { kind }] of byGroup) if (kind === 'cut') byGroup.set(group, { kind: 'unknown', why: BEYOND });
  // The scope of all groups comes before those of some (base_pruner.py:455, 592).
  const inOrder = [...scopes.values()].sort((a, b) => Number(b.id === 'all') - Number(a.id === 'all'));
  const prunings = inOrder.flatMap(({ records }) =>
    records.flatMap(({ origin }) => {
      const decision = byGroup.get(origin);
      return decision?.kind === 'cut' ? [decision.pruning] : [];
    }),
  );
  return { byGroup, joint, groupedInputs: groupedInputs(prunings) };
}

function tooMany({ records }: Scope): Unknown {
  const unit = Math.max(...records.map(({ scored }) => scored.scores.unit));
  return {
    unknown: `more scores than can be followed lie at the cut, nearer to one another than ${exactness(unit)}`,
    remedy: giveScores(unit),
    isRaised: false,
  };
}

const BEYOND: Unknown = {
  unknown:
    'isomorphic without global_pruning makes Torch-Pruning take positions in one ranking of several groups for positions in each of them',
  remedy: 'Set global_pruning: true, which isomorphic is meant for.',
  isRaised: false,
};

function inScope(why: Unknown): Unknown {
  return { ...why, unknown: `the scores that it is ranked with are not known: ${why.unknown}` };
}

function decisionOf(
  record: RankedGroup,
  scope: Scope,
  { count, nominal }: ScopeCut,
  tie: Tie | null,
  unclear: ReadonlySet<RankedGroup>,
  pruned: Pruned,
): Decision {
  const cut = nominal.get(record) ?? { pruned: [], asked: 0, unsure: null };
  const pruning = prune(record, cut.pruned, pruned);
  // Where so many go that nothing would be left, it does not matter which.
  const isAll = pruning.kind === 'skipped' && cut.pruned.length * record.channelGroups >= widthOf(record);
  if (unclear.has(record) && !isAll) return { kind: 'unknown', why: tooMany(scope) };
  if (pruning.kind === 'unsure') {
    const unknown = `${pruning.name} may be a parameter, and Torch-Pruning would take all of it and leave the group alone, or a buffer, which it does not see`;
    return { kind: 'unknown', why: { unknown, remedy: null, isRaised: false } };
  }
  return pruning.kind === 'beyond'
    ? { kind: 'unknown', why: BEYOND }
    : { kind: 'cut', record, scope, count, cut, heads: pruned.heads.get(record) ?? null, pruning, tie };
}

/** What each record may lose: pruned positions of each. */
type Outcome = ReadonlyMap<RankedGroup, readonly number[]>;

interface Outcomes {
  readonly ties: ReadonlyMap<RankedGroup, Tie>;
  /** Nominal first. */
  readonly outcomes: readonly Outcome[];
  /** Records with more outcomes than can be followed. */
  readonly unclear: ReadonlySet<RankedGroup>;
}

function outcomesOf({ nominal, others }: ScopeCut, dependencies: Dependencies): Outcomes {
  if (others === null) return { ties: new Map(), outcomes: [], unclear: new Set(nominal.keys()) };
  const ties = new Map<RankedGroup, Tie>();
  if (others.length === 0) {
    for (const [record, cut] of nominal) {
      const tie = tieOf(record, cut, dependencies);
      if (tie !== null) ties.set(record, tie);
    }
  }
  const unclear = new Set<RankedGroup>();
  const outcomes: Outcome[] = [];
  for (const cuts of [nominal, ...others]) {
    let partial: Outcome[] = [new Map()];
    for (const [record, cut] of cuts) {
      const picks = ties.has(record) ? [cut.pruned] : picksOf(cut);
      if (picks === null || partial.length * picks.length > MAX_OUTCOMES) unclear.add(record);
      else partial = partial.flatMap((outcome) => picks.map((pick) => new Map([...outcome, [record, pick]])));
    }
    outcomes.push(...partial);
  }
  return { ties, outcomes, unclear };
}

/** The tie at a cut, where each layer of the group has the root's channels under their own numbers. */
function tieOf(record: RankedGroup, { pruned, unsure }: GroupCut, { flows }: Dependencies): Tie | null {
  const { group, channelGroups, size } = record;
  if (unsure === null || channelGroups > 1) return null;
  const { module: root, side } = group.items[0]!;
  const isPlain = unsure.candidates.every((at) =>
    groupOf(root, side, [at], flows).items.every((item) => !isOut(item) || String(item.at) === String([at])),
  );
  const { candidates, pick } = unsure;
  if (!isPlain || pick === candidates.length) return null;
  const gone = new Set([...pruned, ...candidates]);
  const certain = allFilters(size).filter((k) => !gone.has(k));
  return { certain, candidates, pick: candidates.length - pick };
}

function jointOf(records: readonly RankedGroup[], outcomes: readonly Outcome[], pruned: Pruned): JointOutcomes {
  const varying = records.filter(
    (record) => new Set(outcomes.map((outcome) => String(outcome.get(record) ?? []))).size > 1,
  );
  const kept = outcomes.map(
    (outcome) =>
      new Map(
        varying.flatMap((record) => {
          const pruning = prune(record, outcome.get(record) ?? [], pruned);
          return record.group.layers.map(({ layer }): [string, RetainedIndices] => [
            layer.name,
            retained(layer.filters, pruning, record.group, layer.name),
          ]);
        }),
      ),
  );
  const distinct = [...new Map(kept.map((outcome) => [JSON.stringify([...outcome]), outcome])).values()];
  return { layers: [...(kept[0]?.keys() ?? [])], outcomes: distinct };
}

function retained(filters: number, pruning: Pruning, group: Group, name: string): RetainedIndices {
  const module = group.outputs.get(name)?.module;
  return retainedOf(
    filters,
    pruning.kind === 'pruned' && module !== undefined ? pruning.outputs.get(module) : undefined,
  );
}

/** What is left of a layer's filters. */
export function retainedOf(filters: number, pruned: readonly number[] | undefined): RetainedIndices {
  const gone = new Set(pruned ?? []);
  return allFilters(filters).filter((k) => !gone.has(k));
}
