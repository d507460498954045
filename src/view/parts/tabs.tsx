import { addressOf, layer, model, route, type Tab } from '../state.ts';

export function Tabs() {
  const shown = model.value!;
  const tabs: readonly (readonly [Tab, string, boolean])[] = [
    ['overview', 'Overview', true],
    ['layer', layer.value === null ? 'Layer' : `Layer ${layer.value.name}`, layer.value !== null],
    ['graph', 'Graph', shown.graph !== null],
    ['execution', 'Execution', true],
  ];
  return (
    <nav class="tabs" aria-label="views">
      {tabs.map(([tab, name, isThere]) =>
        isThere ? (
          <a
            key={tab}
            href={addressOf({ tab, filter: null })}
            aria-current={route.value.tab === tab ? 'page' : undefined}
          >
            {name}
          </a>
        ) : null,
      )}
    </nav>
  );
}
