import type { CountRule, LayerExplanation } from '../../dialects/index.ts';
import { FLAG, type Flag, type LayerData, type NumbersData, type Values } from '../../view/data/types.ts';
import type { ReportLayer } from '../report.ts';
import { pageName, pageText } from './text.ts';

export interface LayerParts {
  readonly group: number | null;
  readonly explanation: LayerExplanation | null;
  readonly countRule: CountRule | null;
}

export function layerData(layer: ReportLayer, { group, explanation, countRule }: LayerParts): LayerData {
  const { flags, known } = flagsOf(layer);
  return {
    name: pageName(layer.name),
    kind: layer.kind,
    filters: layer.filters,
    verdict: layer.verdict,
    group,
    rule: pageText(layer.rule),
    reason: pageText(layer.reason),
    problem: layer.problem === null ? null : pageText(layer.problem),
    remedy: layer.remedy === null ? null : pageText(layer.remedy),
    folding: layer.folding,
    flags,
    known,
    explanations: layer.explanations.map(pageText),
    numbers: explanation === null ? null : numbersData(explanation, countRule),
  };
}

function flagsOf(layer: ReportLayer): Pick<LayerData, 'flags' | 'known'> {
  const lists: Readonly<Partial<Record<Flag, readonly number[] | null>>> = {
    expected: layer.expected,
    actual: layer.actual,
    reported: layer.reported,
    alone: layer.exploring,
    tied: layer.tie?.candidates ?? null,
    missing: layer.missing,
    unexpected: layer.unexpected,
  };
  const flags = new Uint8Array(layer.filters);
  let known = 0;
  for (const [flag, list] of Object.entries(lists) as [Flag, readonly number[] | null][]) {
    if (list === null) continue;
    known |= FLAG[flag];
    for (const filter of list) flags[filter]! |= FLAG[flag];
  }
  return { flags, known };
}

function numbersData(explanation: LayerExplanation, countRule: CountRule | null): NumbersData {
  const { criterion, threshold, cut, passing, tie, merged, members, filters } = explanation;
  const texts = new Map<string, number>([['', 0]]);
  const indexOf = (text: string): number => {
    const known = texts.get(text);
    if (known !== undefined) return known;
    texts.set(text, texts.size);
    return texts.size - 1;
  };
  const [rules, notes] = [new Uint32Array(filters.length), new Uint32Array(filters.length)];
  for (const [k, { rule, note }] of filters.entries()) {
    rules[k] = indexOf(pageText(rule));
    notes[k] = indexOf(pageText(note));
  }
  const equal = tie?.candidates.map((filter) => merged[filter]!).filter((value) => !Number.isNaN(value)) ?? [];
  return {
    ...{ criterion, threshold, cut, passing, rules, notes },
    tie:
      tie === null || equal.length === 0
        ? null
        : {
            low: equal.reduce((a, b) => Math.min(a, b)),
            high: equal.reduce((a, b) => Math.max(a, b)),
            pick: tie.pick,
            candidates: tie.candidates.length,
          },
    merged: exactly(merged),
    // A picture's worth: what decides is `merged`.
    members: members.map(({ name, values }) => ({ name: pageName(name), values: Float32Array.from(values) })),
    texts: [...texts.keys()],
    countRule,
  };
}

/** In half the bytes where that loses nothing, as of a pruner that computes in float32. */
function exactly(values: readonly number[]): Values {
  const single = Float32Array.from(values);
  return single.every((value, k) => Object.is(value, values[k])) ? single : Float64Array.from(values);
}
