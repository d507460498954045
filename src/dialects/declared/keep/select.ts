import type { KeepKeys } from '../keys.ts';
import type { Scores } from '../score/scores.ts';
import { leastOf, multipleOf, ruledCount } from './counts.ts';

/** Which channels stay, and which of them the pruner might have chosen otherwise. */
export interface Selection {
  readonly kept: Uint8Array;
  /** Channels whose scores are equal at the cut, or nearer to it than float32 tells; empty where nothing is open. */
  readonly open: readonly number[];
  /** How many of the open ones stay, at least and at most. */
  readonly least: number;
  readonly most: number;
}

/** What decides for one block of channels. */
export interface Rule {
  readonly keep: KeepKeys;
  /** The value to compare with, and its rounding; null where a number of channels is kept. */
  readonly threshold: { readonly value: number; readonly error: number } | null;
  /** How many channels of a block stay whatever their scores; null where a rule says so. */
  readonly given: number | null;
}

/** Selects among the channels of one block by their scores. */
export function selectIn(scores: Scores, rule: Rule): Selection {
  const { keep } = rule;
  const n = scores.values.length;
  if (rule.threshold !== null) return aboveThreshold(scores, rule.threshold, keep);
  const ruled = rule.given ?? multipleOf(n, ruledCount(n, keep) ?? n, keep);
  const count = rule.given ?? Math.max(ruled, leastOf(n, keep));
  return highest(scores, count, keep.ties);
}

function aboveThreshold(scores: Scores, { value, error }: NonNullable<Rule['threshold']>, keep: KeepKeys): Selection {
  const { values, errors } = scores;
  const n = values.length;
  const kept = Uint8Array.from(values, (score) => ((keep.compare === '>' ? score > value : score >= value) ? 1 : 0));
  const count = countOf(kept);
  const rounded = Math.max(multipleOf(n, count, keep), leastOf(n, keep));
  if (rounded !== count) return highest(scores, rounded, 'cut');
  // An equal score comes of the same arithmetic, and compares the same.
  const open = [...kept.keys()].filter(
    (k) => values[k] !== value && Math.abs(values[k]! - value) <= errors[k]! + error,
  );
  return { kept, open, least: 0, most: open.length };
}

/** The highest scores, so many, earlier channels first where they are equal. */
function highest({ values, errors }: Scores, count: number, ties: KeepKeys['ties']): Selection {
  const order = [...values.keys()].sort((a, b) => values[b]! - values[a]! || a - b);
  const kept = new Uint8Array(values.length);
  for (const k of order.slice(0, count)) kept[k] = 1;
  if (count <= 0 || count >= values.length) return { kept, open: [], least: 0, most: 0 };
  const [last, next] = [order[count - 1]!, order[count]!];
  if (ties === 'stay') for (const k of order) if (values[k] === values[last]) kept[k] = 1;
  const isNear = (k: number, other: number): boolean =>
    Math.abs(values[k]! - values[other]!) <= errors[k]! + errors[other]!;
  const isOpen = (k: number): boolean =>
    ties === 'stay' ? values[k] !== values[last] && isNear(k, last) : isNear(k, kept[k] === 1 ? next : last);
  const open = [...values.keys()].filter(isOpen);
  const staying = open.filter((k) => kept[k] === 1).length;
  if (ties === 'stay') return { kept, open, least: staying, most: open.length };
  return open.length === staying || staying === 0
    ? { kept, open: [], least: 0, most: 0 }
    : { kept, open, least: staying, most: staying };
}

export function countOf(kept: Uint8Array): number {
  return kept.reduce((sum, flag) => sum + flag, 0);
}

/** Outcomes are enumerated up to so many; ties of a whole layer are told in another way. */
const MAX_OUTCOMES = 32;

/** All that may be kept, the nominal outcome first; null where there are too many. */
export function outcomesOf({ kept, open, least, most }: Selection): readonly Uint8Array[] | null {
  if (open.length === 0) return [kept];
  if (open.length > Math.log2(MAX_OUTCOMES) + 1) return null;
  const found = [kept];
  for (let bits = 0; bits < 2 ** open.length; bits++) {
    const chosen = open.filter((_, k) => (bits >> k) & 1);
    if (chosen.length < least || chosen.length > most) continue;
    const outcome = kept.slice();
    for (const k of open) outcome[k] = chosen.includes(k) ? 1 : 0;
    if (outcome.some((flag, k) => flag !== kept[k])) found.push(outcome);
  }
  return found.length > MAX_OUTCOMES ? null : found;
}
