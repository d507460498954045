import { useMemo } from 'preact/hooks';
import type { CountRuleData, ModelData } from '../data/types.ts';
import { countOf, keptOf, short } from '../layers.ts';
import { layer, model, tried } from '../state.ts';
import { keptIn, triedRule } from '../what-if.ts';
import { count } from '../words.ts';

/** What another number in the spec would keep, of the layer and of all. */
export function WhatIf() {
  const shown = model.value!;
  const rule = triedRule(shown);
  const range = useMemo(() => (rule === null ? null : rangeOf(shown, rule)), [shown]);
  if (rule === null || range === null) return null;
  const at = tried.value ?? rule.value;
  return (
    <section class="what-if" aria-label="what if">
      <label>
        What if <code>{rule.key}</code> were{' '}
        <input
          type="range"
          min={0}
          max={range}
          step={range / 1000}
          value={at}
          aria-label={`${rule.key} to try`}
          onInput={({ currentTarget }) => (tried.value = Number(currentTarget.value))}
        />
      </label>{' '}
      <output>{short(at)}</output>
      <span class="outcome">{outcomeOf(shown, rule, at)}</span>
      {tried.value === null ? null : (
        <button type="button" onClick={() => (tried.value = null)}>
          back to {short(rule.value)}
        </button>
      )}
    </section>
  );
}

function rangeOf({ layers }: ModelData, { kind, value }: CountRuleData): number {
  if (kind === 'share') return 0.99;
  let most = value;
  for (const { numbers } of layers)
    if (numbers?.countRule != null) for (const each of numbers.merged) if (each > most) most = each;
  return most;
}

function outcomeOf({ layers }: ModelData, rule: CountRuleData, at: number): string {
  let [all, before] = [0, 0];
  for (const each of layers) {
    const kept = keptIn(each, rule, at);
    const expected = countOf(each, 'expected') ?? keptOf(each);
    if (kept === null || expected === null) return '';
    all += kept;
    before += expected;
  }
  const own = layer.value === null ? null : keptIn(layer.value, rule, at);
  const here = own === null ? '' : `${own} of ${layer.value!.filters} stay here, `;
  const change = all === before ? 'as the spec says' : `${all > before ? '+' : '−'}${count(Math.abs(all - before))}`;
  return `${here}${count(all)} filters of the model (${change})`;
}
