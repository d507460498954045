import { computed, signal } from '@preact/signals';
import type { LayerData, ModelData, PageData } from './data/types.ts';
import { countOf, smallestMargin } from './layers.ts';

export const TABS = ['overview', 'layer', 'graph', 'execution'] as const;
export type Tab = (typeof TABS)[number];
export type Sorting = 'graph' | 'margin' | 'name' | 'kept';
export type Theme = 'auto' | 'light' | 'dark';

/** What the address says: `#model=a&layer=conv1&filter=3`, or `#view=graph`. */
interface Route {
  readonly model: number;
  readonly tab: Tab;
  readonly layer: number | null;
  readonly filter: number | null;
}

export const page = signal<PageData | null>(null);
export const route = signal<Route>({ model: 0, tab: 'overview', layer: null, filter: null });
export const search = signal('');
export const onlyWrong = signal(false);
export const onlyGroup = signal<number | null>(null);
export const sorting = signal<Sorting>('graph');
export const theme = signal<Theme>('auto');
export const isPrinting = signal(false);
export const isHelpOpen = signal(false);
/** A number of the spec that is tried instead of its own; null for what the spec says. */
export const tried = signal<number | null>(null);

export const model = computed<ModelData | null>(() => page.value?.models[route.value.model] ?? null);
export const layer = computed<LayerData | null>(() => model.value?.layers[route.value.layer ?? -1] ?? null);

/** Positions of the layers that the list shows, in its order. */
export const shown = computed<readonly number[]>(() => {
  const layers = model.value?.layers ?? [];
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = layers.flatMap(({ name, group, rule, kind }, k) => {
    const text = `${name} ${rule} ${kind}`.toLowerCase();
    const isWanted =
      words.every((word) => text.includes(word)) &&
      (!onlyWrong.value || isWrong(layers[k]!)) &&
      (onlyGroup.value === null || group === onlyGroup.value);
    return isWanted ? [k] : [];
  });
  return sorting.value === 'graph' ? wanted : wanted.sort((a, b) => compared(layers[a]!, layers[b]!) || a - b);
});

export function isWrong({ verdict }: LayerData): boolean {
  return verdict !== 'match' && verdict !== null;
}

function compared(a: LayerData, b: LayerData): number {
  if (sorting.value === 'name') return a.name < b.name ? -1 : 1;
  if (sorting.value === 'margin') return orLast(smallestMargin(a)) - orLast(smallestMargin(b));
  return shareOf(a) - shareOf(b);
}

function orLast(margin: number | null): number {
  return margin ?? Number.MAX_VALUE;
}

function shareOf(layer: LayerData): number {
  return (countOf(layer, 'expected') ?? 0) / layer.filters;
}

/** Names may be the same once they are cut: those after the first are called by their place. */
function keysOf({ layers }: ModelData): readonly string[] {
  const first = new Map<string, number>();
  return layers.map(({ name }, k) => {
    if (first.has(name)) return `${name}~${k}`;
    first.set(name, k);
    return name;
  });
}

const keys = computed(() => page.value?.models.map(keysOf) ?? []);

export function addressOf(to: Partial<Route>): string {
  const { model: at, tab, layer: chosen, filter } = { ...route.value, ...to };
  const words = new URLSearchParams();
  const models = page.value?.models ?? [];
  if (models.length > 1) words.set('model', models[at]?.name ?? '');
  if (tab === 'layer' && chosen !== null) words.set('layer', keys.value[at]?.[chosen] ?? '');
  else if (tab !== 'overview') words.set('view', tab);
  if (tab === 'layer' && filter !== null) words.set('filter', String(filter));
  return `#${words.toString()}`;
}

export function layerAddress(chosen: number): string {
  return addressOf({ tab: 'layer', layer: chosen, filter: null });
}

export function go(to: Partial<Route>, how: 'push' | 'replace' = 'push'): void {
  const address = addressOf(to);
  route.value = { ...route.value, ...to };
  if (how === 'replace') history.replaceState(null, '', address);
  else if (location.hash !== address) history.pushState(null, '', address);
}

/** Reads the address; what names nothing is left as it is. */
export function readAddress(): void {
  const words = new URLSearchParams(location.hash.slice(1));
  const models = page.value?.models ?? [];
  const at = Math.max(
    0,
    models.findIndex(({ name }) => name === words.get('model')),
  );
  const chosen = keys.value[at]?.indexOf(words.get('layer') ?? '') ?? -1;
  const filters = models[at]?.layers[chosen]?.filters ?? 0;
  const filter = words.has('filter') ? Number(words.get('filter')) : null;
  const isFilter = filter !== null && Number.isInteger(filter) && filter >= 0 && filter < filters;
  const view = TABS.find((tab) => tab === words.get('view')) ?? 'overview';
  const layerBefore = at === route.value.model ? route.value.layer : null;
  if (at !== route.value.model) forgetModel();
  route.value = {
    model: at,
    tab: chosen >= 0 ? 'layer' : view,
    layer: chosen >= 0 ? chosen : layerBefore,
    filter: isFilter ? filter : null,
  };
}

/** What was chosen of another model. */
function forgetModel(): void {
  search.value = '';
  onlyGroup.value = null;
  tried.value = null;
}

/** The layer before or after the one that is shown, as the list has them. */
export function step(by: 1 | -1, isWanted: (layer: LayerData) => boolean = () => true): void {
  const layers = model.value?.layers ?? [];
  const list = shown.value.filter((k) => isWanted(layers[k]!));
  const from = list.indexOf(route.value.layer ?? -1);
  const next = from < 0 ? list[by > 0 ? 0 : list.length - 1] : list[from + by];
  if (next !== undefined) go({ tab: 'layer', layer: next, filter: null });
}
