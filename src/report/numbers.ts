import type { CountRule, CriterionCounts, Expectation, LayerExplanation } from '../dialects/index.ts';
import type { Network } from '../network/index.ts';
import { type LayerGraph, layerGraph } from './layer-graph.ts';

/** The values behind all layers of one model: what a picture needs beside its report. */
export interface ModelNumbers {
  /** By layer name; layers of which no values are known are left out. */
  readonly layers: ReadonlyMap<string, LayerExplanation>;
  readonly countRules: ReadonlyMap<string, CountRule>;
  readonly keptUnder: readonly CriterionCounts[];
  readonly graph: LayerGraph | null;
}

/** Other criteria are tried on models of up to so many layers: each takes as long as what the spec asks for. */
const MOST_LAYERS = 400;

export function numbersOf(expectation: Expectation, dense: Network): ModelNumbers {
  const names = [...expectation.layers.keys()];
  const known = <T>(of: (name: string) => T | null | undefined): ReadonlyMap<string, T> =>
    new Map(
      names.flatMap((name): [string, T][] => {
        const value = of(name);
        return value == null ? [] : [[name, value]];
      }),
    );
  const isTried = expectation.groups.length > 0 && names.length <= MOST_LAYERS;
  return {
    layers: known((name) => expectation.explainLayer(name)),
    countRules: known((name) => expectation.countRule?.(name)),
    keptUnder: isTried ? expectation.keptUnder() : [],
    graph: layerGraph(dense),
  };
}
