import { Bars, pointed } from '../charts/bars.tsx';
import { Strip } from '../charts/strip.tsx';
import { type Flag, type LayerData, LISTS } from '../data/types.ts';
import {
  countOf,
  FATES,
  type Fate,
  fateOf,
  has,
  isKnown,
  keptOf,
  listOf,
  orderOf,
  partOfMerged,
  rankOf,
  short,
  signed,
} from '../layers.ts';
import { layer as chosen, model, route } from '../state.ts';
import { Copyable } from './copy.tsx';
import { FilterTable } from './filter-table.tsx';
import { GroupChip } from './group-chip.tsx';
import { GroupView } from './group-view.tsx';
import { VerdictWord } from './verdict.tsx';
import { WhatIf } from './what-if-slider.tsx';

export function LayerView() {
  const layer = chosen.value;
  if (layer === null) return <p class="muted">Choose a layer on the left.</p>;
  const { numbers } = layer;
  return (
    <article aria-label={`layer ${layer.name}`}>
      <Title layer={layer} />
      <Difference layer={layer} />
      {numbers === null ? (
        <p class="note">There are no values to show: {layer.reason}</p>
      ) : (
        <>
          <Bars key={layer.name} layer={layer} numbers={numbers} />
          <Readout layer={layer} />
          <Legend layer={layer} />
          <WhatIf />
        </>
      )}
      <h3>In the order of the kernel</h3>
      <Strip layer={layer} />
      <Lists layer={layer} />
      <Reasons layer={layer} />
      {layer.group === null ? null : <GroupView group={layer.group} />}
      {numbers === null ? null : <FilterTable key={layer.name} layer={layer} numbers={numbers} />}
    </article>
  );
}

function Title({ layer }: { readonly layer: LayerData }) {
  const group = layer.group === null ? undefined : model.value!.groups[layer.group];
  const partners = (group?.members ?? [])
    .map((k) => model.value!.layers[k]!.name)
    .filter((name) => name !== layer.name);
  const kept = keptOf(layer);
  const expected = countOf(layer, 'expected');
  return (
    <>
      <h2>
        {layer.name} <VerdictWord of={layer.verdict} /> <GroupChip group={layer.group} />
      </h2>
      <p>
        {kept === null ? 'What it keeps is not known' : `${kept} of ${layer.filters} kept`}
        {expected !== null && kept !== expected ? `, ${expected} expected` : ''} · {layer.rule} · {layer.kind}
        {partners.length === 0 ? '' : ` · with ${shortList(partners)}`}
      </p>
      <p class="reason">{layer.reason}</p>
      {layer.remedy === null ? null : <p class="remedy">{layer.remedy}</p>}
    </>
  );
}

function shortList(names: readonly string[]): string {
  return names.length <= 4 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
}

function Difference({ layer }: { readonly layer: LayerData }) {
  const [missing, unexpected] = [listOf(layer, 'missing'), listOf(layer, 'unexpected')];
  if (missing.length + unexpected.length + (layer.problem === null ? 0 : 1) === 0) return null;
  return (
    <section class="callout bad" aria-label="what is wrong">
      {layer.problem === null ? null : (
        <p>
          <strong>{layer.name}</strong> {layer.problem}
        </p>
      )}
      {missing.length === 0 ? null : <Copyable name="missing" list={missing} />}
      {unexpected.length === 0 ? null : <Copyable name="unexpected" list={unexpected} />}
    </section>
  );
}

/** Why each filter that is missing or unexpected should not be. */
function Reasons({ layer: { explanations } }: { readonly layer: LayerData }) {
  return explanations.length === 0 ? null : (
    <details open={explanations.length <= 6}>
      <summary>Why, filter by filter</summary>
      <ul>
        {explanations.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </details>
  );
}

/** The filter that is pointed at, in words. */
function Readout({ layer }: { readonly layer: LayerData }) {
  const filter = pointed.value ?? route.value.filter;
  return (
    <p class="readout" role="status">
      {filter === null || filter >= layer.filters
        ? 'Point at a filter; drag to zoom, double click for all.'
        : sentenceOf(layer, filter)}
    </p>
  );
}

export function sentenceOf(layer: LayerData, filter: number): string {
  const numbers = layer.numbers!;
  const { merged, members, cut, criterion, rules, notes, texts } = numbers;
  const ranked = `ranks ${rankOf(layer, filter)} of ${layer.filters} with ${short(merged[filter]!)}`;
  const parts =
    members.length > 1
      ? ` (${criterion} of ${members
          .slice(0, 4)
          .map(({ name, values }) => `${name} ${short(values[filter]!)}`)
          .join(', ')}${members.length > 4 ? ', …' : ''})`
      : '';
  const margin = cut === null || Number.isNaN(merged[filter]!) ? '' : `, ${signed(merged[filter]! - cut)} from the cut`;
  const note = texts[notes[filter]!]!;
  const wrong = has(layer, filter, 'missing')
    ? '; it is missing'
    : has(layer, filter, 'unexpected')
      ? '; it is not expected'
      : '';
  return `Filter ${filter} ${ranked}${parts}${margin}: ${FATES[fateOf(layer, filter)]}, by ${texts[rules[filter]!]}${note === '' ? '' : ` – ${note}`}${wrong}.`;
}

function Legend({ layer }: { readonly layer: LayerData }) {
  const seen = new Set<Fate>();
  for (const filter of orderOf(layer)) seen.add(fateOf(layer, filter));
  const isMerged = partOfMerged(layer) !== null;
  const marks: readonly (readonly [Flag, string, string])[] = [
    ['missing', '▽', 'missing in the pruned model'],
    ['unexpected', '▼', 'kept though it should go'],
  ];
  return (
    <ul class="legend">
      {(Object.entries(FATES) as [Fate, string][]).map(([fate, text]) =>
        seen.has(fate) ? (
          <li key={fate}>
            <span class={`swatch ${fate}`} /> {text}
          </li>
        ) : null,
      )}
      {marks.map(([flag, sign, text]) =>
        (countOf(layer, flag) ?? 0) > 0 ? (
          <li key={flag}>
            <span class="mark">{sign}</span> {text}
          </li>
        ) : null,
      )}
      {isMerged ? <li class="muted">full: its own value, faint: what its group adds</li> : null}
    </ul>
  );
}

function Lists({ layer }: { readonly layer: LayerData }) {
  return (
    <div class="lists">
      {LISTS.map(([flag, name]) =>
        isKnown(layer, flag) ? <Copyable key={flag} name={name} list={listOf(layer, flag)} /> : null,
      )}
    </div>
  );
}
