import { useEffect, useMemo, useState } from 'preact/hooks';
import { pointed } from '../charts/bars.tsx';
import type { LayerData, NumbersData } from '../data/types.ts';
import { countOf, FATES, fateOf, has, keptOf, orderOf, rankOf, short, signed } from '../layers.ts';
import { go, route } from '../state.ts';
import { useRows } from '../window.ts';

const ROW = 24;
/** Values of more layers than these are in the chart of the group. */
const MOST_MEMBERS = 3;

interface Column {
  readonly name: string;
  readonly isNumber: boolean;
  value(filter: number): number | string;
  text(filter: number): string;
}

/** Every filter with what decided; only the rows in sight are there. */
export function FilterTable({ layer, numbers }: { readonly layer: LayerData; readonly numbers: NumbersData }) {
  const columns = useMemo(() => columnsOf(layer, numbers), [layer]);
  const [by, setBy] = useState<{ readonly column: number; readonly isUp: boolean } | null>(null);
  const order = useMemo(
    () => sorted(orderOf(layer), by === null ? null : columns[by.column]!, by?.isUp ?? true),
    [layer, by],
  );
  const rows = useRows<HTMLElement>(order.length, ROW, ROW);
  const at = route.value.filter;
  const kept = countOf(layer, 'expected') ?? keptOf(layer) ?? order.length;
  useEffect(() => {
    const row = at === null ? -1 : order.indexOf(at);
    rows.show(row >= 0 ? row : by === null ? Math.max(0, kept - 1) : 0);
  }, [at, by, layer]);
  return (
    <section aria-label="every filter">
      <h3>Every filter</h3>
      <section class="table" ref={rows.box} onScroll={rows.onScroll} tabIndex={0} aria-label="table of filters">
        <table aria-rowcount={order.length + 1}>
          <thead>
            <tr>
              {columns.map(({ name, isNumber }, k) => (
                <th key={name} scope="col" class={isNumber ? 'number' : ''} aria-sort={ariaSort(by, k)}>
                  <button type="button" onClick={() => setBy(nextSort(by, k, isNumber))}>
                    {name}
                    {by?.column === k ? (by.isUp ? ' ▴' : ' ▾') : ''}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            <Space rows={rows.from} columns={columns.length} />
            {Array.from(order.slice(rows.from, rows.to), (filter, k) => (
              <tr
                key={filter}
                aria-rowindex={rows.from + k + 2}
                aria-selected={undefined}
                class={classOf(layer, filter, at, by === null && rows.from + k === kept - 1 && kept < order.length)}
                onMouseEnter={() => (pointed.value = filter)}
                onMouseLeave={() => (pointed.value = null)}
                onClick={() => go({ filter }, 'replace')}
              >
                {columns.map(({ name, isNumber, text }) => (
                  <td key={name} class={isNumber ? 'number' : ''}>
                    {text(filter)}
                  </td>
                ))}
              </tr>
            ))}
            <Space rows={order.length - rows.to} columns={columns.length} />
          </tbody>
        </table>
      </section>
    </section>
  );
}

function Space({ rows, columns }: { readonly rows: number; readonly columns: number }) {
  return rows <= 0 ? null : (
    <tr class="space">
      <td colSpan={columns} style={{ height: `${rows * ROW}px` }} />
    </tr>
  );
}

function columnsOf(layer: LayerData, numbers: NumbersData): readonly Column[] {
  const { merged, members, cut, rules, notes, texts } = numbers;
  const values = (name: string, of: ArrayLike<number>): Column => ({
    name,
    isNumber: true,
    value: (filter) => of[filter]!,
    text: (filter) => short(of[filter]!),
  });
  const word = (name: string, of: (filter: number) => string): Column => ({
    name,
    isNumber: false,
    value: of,
    text: of,
  });
  const shownMembers = members.slice(0, MOST_MEMBERS);
  const margin = (filter: number): number => (cut === null ? Number.NaN : merged[filter]! - cut);
  return [
    { name: 'filter', isNumber: true, value: (filter) => filter, text: String },
    ...shownMembers.map((member, k) => values(k === 0 ? 'own' : member.name, member.values)),
    ...(members.length > 1 || members.length === 0 ? [values('merged', merged)] : []),
    {
      name: 'rank',
      isNumber: true,
      value: (filter) => rankOf(layer, filter),
      text: (filter) => String(rankOf(layer, filter)),
    },
    {
      name: 'margin',
      isNumber: true,
      value: margin,
      text: (filter) => (Number.isNaN(margin(filter)) ? '' : signed(margin(filter))),
    },
    word('what becomes of it', (filter) => FATES[fateOf(layer, filter)]),
    word('found', (filter) => foundText(layer, filter)),
    word('rule', (filter) => texts[rules[filter]!]!),
    word('remark', (filter) => texts[notes[filter]!]!),
  ];
}

function foundText(layer: LayerData, filter: number): string {
  if (has(layer, filter, 'missing')) return 'missing';
  if (has(layer, filter, 'unexpected')) return 'unexpected';
  if (countOf(layer, 'actual') === null) return '';
  return has(layer, filter, 'actual') ? 'kept' : 'gone';
}

function sorted(order: Uint32Array, column: Column | null, isUp: boolean): Uint32Array {
  if (column === null) return order;
  const values = new Map(Array.from(order, (filter) => [filter, column.value(filter)]));
  const compared = (a: number | string, b: number | string): number => {
    if (typeof a === 'string' || typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0;
    return Number.isNaN(a) ? 1 : Number.isNaN(b) ? -1 : a - b;
  };
  return order.slice().sort((a, b) => (isUp ? 1 : -1) * compared(values.get(a)!, values.get(b)!) || a - b);
}

type SortedBy = { readonly column: number; readonly isUp: boolean } | null;

/** Numbers from the largest, words from the first, then the other way, then by rank again. */
function nextSort(by: SortedBy, column: number, isNumber: boolean): SortedBy {
  const first = !isNumber || column === 0;
  if (by?.column !== column) return { column, isUp: first };
  return by.isUp === first ? { column, isUp: !first } : null;
}

function ariaSort(by: SortedBy, column: number): 'ascending' | 'descending' | 'none' {
  if (by?.column !== column) return 'none';
  return by.isUp ? 'ascending' : 'descending';
}

function classOf(layer: LayerData, filter: number, at: number | null, isLast: boolean): string {
  const isWrong = has(layer, filter, 'missing') || has(layer, filter, 'unexpected');
  return [isWrong ? 'wrong' : '', filter === at ? 'chosen' : '', isLast ? 'last' : ''].join(' ').trim();
}
