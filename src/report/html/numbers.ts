import type { CountRule, CriterionCounts, Expectation, LayerExplanation } from '../../dialects/index.ts';
import type { Network } from '../../network/index.ts';
import type { NumbersData, Values } from '../../view/data/types.ts';
import { type LayerGraph, layerGraph } from '../layer-graph.ts';
import { pageName, pageText } from './text.ts';

/** The values behind all layers of one model: what a picture needs beside its report. */
export interface ModelNumbers {
  /** By layer name; layers of which no values are known are left out. */
  readonly layers: ReadonlyMap<string, NumbersData>;
  readonly keptUnder: readonly CriterionCounts[];
  readonly graph: LayerGraph | null;
}

/** Members of a group whose values stand beside a layer's: the page shows no more of them in numbers. */
const MOST_MEMBERS = 5;
/** Other criteria are tried on models of up to so many layers: each takes as long as what the spec asks for. */
const MOST_LAYERS = 400;

export function numbersOf(expectation: Expectation, dense: Network): ModelNumbers {
  const names = [...expectation.layers.keys()];
  const isTried = expectation.groups.length > 0 && names.length <= MOST_LAYERS;
  return {
    layers: new Map(
      names.flatMap((name): [string, NumbersData][] => {
        const explanation = expectation.explainLayer(name);
        return explanation === null ? [] : [[name, numbersData(explanation, expectation.countRule?.(name) ?? null)]];
      }),
    ),
    keptUnder: isTried ? expectation.keptUnder() : [],
    graph: layerGraph(dense),
  };
}

/** The values behind a layer, small enough to be held for all layers. */
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
  return {
    ...{ criterion, threshold, cut, passing, rules, notes },
    tie:
      tie === null || tie.candidates.every((filter) => Number.isNaN(merged[filter]!))
        ? null
        : { pick: tie.pick, candidates: tie.candidates.length },
    merged: exactly(merged),
    // A picture's worth: what decides is `merged`.
    members: members
      .slice(0, MOST_MEMBERS)
      .map(({ name, values }) => ({ name: pageName(name), values: Float32Array.from(values) })),
    texts: [...texts.keys()],
    countRule,
  };
}

/** In half the bytes where that loses nothing, as of a pruner that computes in float32. */
function exactly(values: readonly number[]): Values {
  const single = Float32Array.from(values);
  return single.every((value, k) => Object.is(value, values[k])) ? single : Float64Array.from(values);
}
