import type { LockComparison, LockDifference } from '../lock/index.ts';
import type { RetainedIndices } from '../network/index.ts';
import { counted, filterWords, joined, without } from '../prose/index.ts';
import { type Group, groupedBy } from './grouped.ts';
import type { Finding, Judgement } from './types.ts';
import { withFindings } from './worst.ts';

/** Groups of layers that have a finding each; a model that was pruned anew differs everywhere. */
const MAX_FINDINGS = 8;
/** Layers of a finding that are compared one by one. */
const MAX_LINES = 12;
const ANEW = 'If that is meant, write the lock anew where the models are (`prunegate lock`), and have it reviewed.';

/** Adds how a model stands to what reviewers agreed to. */
export function judgeLock(judgement: Judgement, lock: LockComparison | null): Judgement {
  if (lock === null) return judgement;
  const findings = [...differenceFindings(judgement, lock), ...strangerFindings(lock), ...openFindings(lock)];
  return withFindings(judgement, findings, lockNotes(lock));
}

/** Layers of one group that differ alike are one finding. */
function differenceFindings({ layers }: Judgement, lock: LockComparison): Finding[] {
  const groupOf = new Map(layers.map(({ name, group }) => [name, group]));
  const all = groupedBy(lock.differences, ({ layer, agreed, now }) => {
    const group = groupOf.get(layer) ?? null;
    return group === null ? `layer ${layer}` : `${group} ${agreed} / ${now}`;
  });
  const rest = all.slice(MAX_FINDINGS - 1);
  const [first, ...others] = rest.flat();
  const shown =
    rest.length < 2 || first === undefined ? all : [...all.slice(0, MAX_FINDINGS - 1), [first, ...others] as const];
  return shown.map((differences) => differenceFinding(differences, lock));
}

function differenceFinding(differences: Group<LockDifference>, lock: LockComparison): Finding {
  const names = differences.map(({ layer }) => layer);
  const [first] = differences;
  const isGone = differences.every(({ now }) => now === null);
  const cause = isGone ? null : changeCause(lock);
  const more = differences.length - MAX_LINES;
  return {
    kind: 'lock',
    verdict: 'mismatch',
    title: isGone
      ? `${lock.file} agrees to ${joined(names)}, which the dense model does not have`
      : `${joined(names)} ${names.length === 1 ? 'keeps' : 'keep'} other filters than were agreed`,
    details: [
      ...differences.slice(0, MAX_LINES).map(differenceLine),
      ...(more > 0 ? [`... and ${counted(more, 'more layer')}.`] : []),
      ...(cause === null ? [] : [cause]),
      ANEW,
    ],
    layers: names,
    place: { ...lock.at(first.layer), layer: first.layer, filters: changedFilters(first) },
    ...(cause === null ? {} : { cause }),
  };
}

/** `conv1: was agreed 0-15, is now 0-14, 19 (of 32).` */
export function differenceLine({ layer, agreed, now, filters }: LockDifference): string {
  const of = (count: number | null): string => (count === null ? '' : ` of ${count}`);
  const isResized = filters.agreed !== null && filters.now !== null && filters.agreed !== filters.now;
  const was =
    agreed === null ? 'nothing was agreed' : `was agreed ${filterWords(agreed)}${isResized ? of(filters.agreed) : ''}`;
  const is = now === null ? 'is not there now' : `is now ${filterWords(now)}${of(filters.now)}`;
  return `${layer}: ${was}, ${is}.`;
}

function changedFilters({ agreed, now }: LockDifference): RetainedIndices {
  return [...without(agreed ?? [], now), ...without(now ?? [], agreed)].sort((a, b) => a - b);
}

/** Which of spec, weights or pruner made the difference. */
function changeCause({ changed: { spec, weights } }: LockComparison): string {
  if (spec === true && weights === true) return 'Both the spec and the dense weights have changed since it was agreed.';
  if (spec === true) return 'The spec has changed since it was agreed; the dense weights have not.';
  if (weights === true) return 'The dense weights have changed since it was agreed; the spec has not.';
  return 'Neither the spec nor the dense weights have changed since it was agreed: the pruner has, its version, or the file that was taken for its result.';
}

function strangerFindings({ strangers, file, at }: LockComparison): Finding[] {
  return strangers.map((name) => ({
    kind: 'lock',
    verdict: 'mismatch',
    title: `${file} agrees to ${name}, which is none of the models`,
    details: ['Take it out of the lock where it is gone on purpose: `prunegate lock` does.'],
    layers: [],
    place: { ...at(null, name), layer: null, filters: [] },
  }));
}

function openFindings({ isAgreed, open, file, at }: LockComparison): Finding[] {
  if (isAgreed && open.length === 0) return [];
  const what = isAgreed ? joined(open) : 'this model';
  const isOne = !isAgreed || open.length === 1;
  return [
    {
      kind: 'lock',
      verdict: 'unverifiable',
      title: `${what} ${isOne ? 'is' : 'are'} not agreed: ${file} has no entry of ${isOne ? 'it' : 'them'}`,
      details: ['Write the lock anew where the models are (`prunegate lock`), and have it reviewed.'],
      layers: open,
      place: { ...at(null), layer: open[0] ?? null, filters: [] },
    },
  ];
}

/** What is another than when it was agreed, and changed no filter. */
function lockNotes({ changed, differences, file }: LockComparison): string[] {
  if (differences.length > 0) return [];
  const what = [...(changed.spec === true ? ['spec'] : []), ...(changed.weights === true ? ['dense weights'] : [])];
  if (what.length === 0) return [];
  return [`Since ${file} was agreed the ${what.join(' and the ')} changed; no retained filter did.`];
}
