import type { RetainedIndices } from '../network/index.ts';
import { filterWords, joined, without } from '../prose/index.ts';
import type { LayerResult, RunVerdict } from './types.ts';

/** What another run found of the same model. */
export interface Baseline {
  /** The report that says so. */
  readonly file: string;
  readonly dialect: string | null;
  readonly verdict: RunVerdict | null;
  readonly layers: readonly Pick<LayerResult, 'name' | 'filters' | 'actual'>[];
}

/** A layer that keeps other filters than it did. */
export interface FlippedLayer {
  readonly layer: string;
  /** Filters that it keeps now and did not, and the other way round. */
  readonly gained: RetainedIndices;
  readonly lost: RetainedIndices;
}

/** How a model stands to its baseline. */
export interface Flips {
  /** Why nothing can be compared; null where it can. */
  readonly problem: string | null;
  readonly flipped: readonly FlippedLayer[];
  /** Filters that flipped, of all layers. */
  readonly count: number;
  /** Layers that cannot be compared: another width, or filters that one of both runs does not know. */
  readonly open: readonly string[];
  /** Layers that only one of both has. */
  readonly added: readonly string[];
  readonly gone: readonly string[];
}

/** Compares what a model keeps with what it kept. */
export function flipsOf(
  baseline: Baseline,
  now: { readonly dialect: string | null; readonly layers: Baseline['layers'] },
): Flips {
  if (baseline.dialect !== now.dialect)
    return none(
      `${baseline.file} was checked as ${baseline.dialect ?? 'no dialect'}, and this as ${now.dialect ?? 'none'}`,
    );
  const before = new Map(baseline.layers.map((layer) => [layer.name, layer]));
  const names = new Set(now.layers.map(({ name }) => name));
  const flipped: FlippedLayer[] = [];
  const open: string[] = [];
  for (const { name, filters, actual } of now.layers) {
    const old = before.get(name);
    if (old === undefined) continue;
    if (old.filters !== filters || old.actual === null || actual === null) open.push(name);
    else {
      const gained = without(actual, old.actual);
      const lost = without(old.actual, actual);
      if (gained.length + lost.length > 0) flipped.push({ layer: name, gained, lost });
    }
  }
  return {
    problem: null,
    flipped,
    count: flipped.reduce((n, { gained, lost }) => n + gained.length + lost.length, 0),
    open,
    added: now.layers.filter(({ name }) => !before.has(name)).map(({ name }) => name),
    gone: [...before.keys()].filter((name) => !names.has(name)),
  };
}

/** There is no baseline, and why: the end of a sentence. */
export function none(problem: string): Flips {
  return { problem, flipped: [], count: 0, open: [], added: [], gone: [] };
}

/** `conv1 gained 3, 19 and lost 0`. */
export function flipLine({ layer, gained, lost }: FlippedLayer): string {
  const parts = [
    ...(gained.length > 0 ? [`gained ${filterWords(gained)}`] : []),
    ...(lost.length > 0 ? [`lost ${filterWords(lost)}`] : []),
  ];
  return `${layer} ${parts.join(' and ')}`;
}

/** What a reader should know though it changes no verdict. */
export function baselineNotes(flips: Flips | null): string[] {
  if (flips === null) return [];
  if (flips.problem !== null) return [`There is no baseline: ${flips.problem}.`];
  const { open, added, gone } = flips;
  return [
    ...(open.length > 0 ? [`What became of ${joined(open)} since the baseline cannot be told.`] : []),
    ...(added.length > 0 ? [`The baseline does not have ${joined(added)}.`] : []),
    ...(gone.length > 0 ? [`The baseline had ${joined(gone)}, which the model does not have.`] : []),
  ];
}
