import type { CountRuleData, LayerData, ModelData, Values } from './data/types.ts';
import { countOf } from './layers.ts';

/**
 * How many filters stay under another number of the spec, the largest values first.
 * @param at the number instead of `rule.value`
 */
export function keptUnder(rule: CountRuleData, values: Values, at: number): number {
  return rule.kind === 'above' ? keptAbove(rule, values, at) : keptShare(rule, values.length, at);
}

/** As many as exceed the threshold, at least so many, rounded up. */
function keptAbove({ least, multiple }: CountRuleData, values: Values, at: number): number {
  const filters = values.length;
  // As the pruner compares float32 values with a number.
  const threshold = values instanceof Float32Array ? Math.fround(at) : at;
  let above = 0;
  for (const value of values) if (value > threshold) above += 1;
  if (above === filters) return filters;
  return Math.min(Math.ceil(Math.max(Math.min(least, filters), above) / multiple) * multiple, filters);
}

/** What a share leaves, rounded down; a layer that would lose everything is left alone. */
function keptShare({ multiple }: CountRuleData, filters: number, at: number): number {
  const staying = Math.trunc(filters * (1 - at));
  if (staying >= filters) return filters;
  const rounded = staying - (staying % multiple);
  return rounded === 0 ? filters : rounded;
}

/** The number that decides most layers of a model, which a reader can try another of; null where no rule is so simple. */
export function triedRule({ layers }: ModelData): CountRuleData | null {
  return layers.find(({ numbers }) => numbers?.countRule != null)?.numbers?.countRule ?? null;
}

/** How many filters a layer would keep; what does not hang on the number stays as it is. */
export function keptIn(layer: LayerData, tried: CountRuleData, at: number): number | null {
  const rule = layer.numbers?.countRule;
  if (rule?.key !== tried.key || layer.numbers === null) return countOf(layer, 'expected');
  return keptUnder(rule, layer.numbers.merged, at);
}
