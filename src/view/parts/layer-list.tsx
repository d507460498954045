import { useEffect } from 'preact/hooks';
import type { LayerData } from '../data/types.ts';
import { countOf, keptOf } from '../layers.ts';
import {
  isWrong,
  layerAddress,
  model,
  onlyGroup,
  onlyWrong,
  route,
  type Sorting,
  search,
  shown,
  sorting,
  tried,
} from '../state.ts';
import { keptIn, triedRule } from '../what-if.ts';
import { useRows } from '../window.ts';
import { GroupChip } from './group-chip.tsx';
import { VerdictSign } from './verdict.tsx';

const ROW = 26;

export function LayerList() {
  const layers = model.value!.layers;
  const list = shown.value;
  const rows = useRows<HTMLDivElement>(list.length, ROW);
  const chosen = route.value.layer;
  useEffect(() => {
    const at = chosen === null ? -1 : list.indexOf(chosen);
    if (at >= 0) rows.show(at);
  }, [chosen, list]);
  return (
    <aside aria-label="layers">
      <Filters />
      <div class="layers" ref={rows.box} onScroll={rows.onScroll} tabIndex={-1}>
        <ul style={{ paddingTop: `${rows.from * ROW}px`, height: `${list.length * ROW}px` }}>
          {list.slice(rows.from, rows.to).map((k) => (
            <Row key={k} at={k} layer={layers[k]!} isChosen={k === chosen} />
          ))}
        </ul>
        {list.length === 0 ? <p class="muted empty">No layer fits the filter.</p> : null}
      </div>
      <p class="muted count" role="status">
        {list.length === layers.length ? `${layers.length} layers` : `${list.length} of ${layers.length} layers`}
      </p>
    </aside>
  );
}

function Filters() {
  const { groups, layers } = model.value!;
  const wrong = layers.filter(isWrong).length;
  return (
    <div class="filters">
      <input
        id="search"
        type="search"
        placeholder="find a layer  /"
        aria-label="find a layer by name, kind or rule"
        value={search.value}
        onInput={({ currentTarget }) => (search.value = currentTarget.value)}
      />
      <label>
        <input
          type="checkbox"
          checked={onlyWrong.value}
          onChange={({ currentTarget }) => (onlyWrong.value = currentTarget.checked)}
        />{' '}
        not matching ({wrong})
      </label>
      <select
        aria-label="group"
        value={onlyGroup.value ?? ''}
        onChange={({ currentTarget: { value } }) => (onlyGroup.value = value === '' ? null : Number(value))}
      >
        <option value="">every group</option>
        {groups.map(({ letter }, k) => (
          <option key={letter} value={k}>
            group {letter}
          </option>
        ))}
      </select>
      <select
        aria-label="order"
        value={sorting.value}
        onChange={({ currentTarget: { value } }) => (sorting.value = value as Sorting)}
      >
        <option value="graph">in the graph's order</option>
        <option value="margin">smallest margin first</option>
        <option value="kept">smallest share first</option>
        <option value="name">by name</option>
      </select>
    </div>
  );
}

function Row({ at, layer, isChosen }: { readonly at: number; readonly layer: LayerData; readonly isChosen: boolean }) {
  const kept = keptOf(layer);
  return (
    <li>
      <a href={layerAddress(at)} aria-current={isChosen ? 'true' : undefined} title={`${layer.name}: ${layer.rule}`}>
        <VerdictSign of={layer.verdict} />
        <Name of={layer.name} />
        <GroupChip group={layer.group} />
        <KeptBar layer={layer} />
        <span class="kept">{kept === null ? `? of ${layer.filters}` : `${kept} of ${layer.filters}`}</span>
        <span class="rule">{layer.rule}</span>
      </a>
    </li>
  );
}

/** Letters that are always seen: layers of one block differ in their ends. */
const END = 12;

function Name({ of: name }: { readonly of: string }) {
  return (
    <span class="name">
      <span class="start">{name.slice(0, -END)}</span>
      <span>{name.slice(-END)}</span>
    </span>
  );
}

/** What is kept of all, with a mark where it should end, and one for the number that is tried. */
export function KeptBar({ layer }: { readonly layer: LayerData }) {
  const [kept, expected] = [keptOf(layer), countOf(layer, 'expected')];
  const rule = triedRule(model.value!);
  const other = tried.value === null || rule === null ? null : keptIn(layer, rule, tried.value);
  const width = (n: number) => ({ width: `${(100 * n) / layer.filters}%` });
  const left = (n: number) => ({ left: `${(100 * n) / layer.filters}%` });
  return (
    <span class={`bar ${layer.verdict ?? ''}`} aria-hidden="true">
      {kept === null ? null : <span class="fill" style={width(kept)} />}
      {expected === null || expected === kept ? null : <span class="tick" style={left(expected)} />}
      {other === null ? null : <span class="tried" style={width(other)} />}
    </span>
  );
}
