import { effect } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { onKey } from './keys.ts';
import { Execution } from './parts/execution.tsx';
import { Graph } from './parts/graph.tsx';
import { Head } from './parts/head.tsx';
import { Help } from './parts/help.tsx';
import { LayerList } from './parts/layer-list.tsx';
import { LayerView } from './parts/layer-view.tsx';
import { Overview } from './parts/overview.tsx';
import { PrintedLayers } from './parts/printed-layers.tsx';
import { Tabs } from './parts/tabs.tsx';
import { isPrinting, model, route, theme } from './state.ts';

export function App() {
  useEffect(() => {
    const printing = matchMedia('print');
    const update = () => {
      isPrinting.value = printing.matches;
    };
    addEventListener('keydown', onKey);
    printing.addEventListener('change', update);
    return () => {
      removeEventListener('keydown', onKey);
      printing.removeEventListener('change', update);
    };
  }, []);
  useEffect(
    () =>
      // Before anything is drawn anew: pictures take their colours from the page's.
      effect(() => {
        document.documentElement.dataset['theme'] = theme.value;
      }),
    [],
  );
  return (
    <>
      <Head />
      {model.value === null ? null : (
        <div class="columns">
          <LayerList />
          <main>
            <Tabs />
            <Shown />
          </main>
        </div>
      )}
      {isPrinting.value ? <PrintedLayers /> : null}
      <Help />
    </>
  );
}

function Shown() {
  switch (route.value.tab) {
    case 'overview':
      return <Overview />;
    case 'layer':
      return <LayerView />;
    case 'graph':
      return <Graph />;
    case 'execution':
      return <Execution />;
  }
}
