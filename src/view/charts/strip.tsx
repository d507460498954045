import { useCallback } from 'preact/hooks';
import { type Flag, type LayerData, LISTS } from '../data/types.ts';
import { has, isKnown } from '../layers.ts';
import { go, route } from '../state.ts';
import { pointed } from './bars.tsx';
import { Canvas, type Pen } from './canvas.tsx';

const ROW = 22;
const LABEL = 64;

/** Each filter in the order of the kernel, one row for each list: what differs stands out. */
export function Strip({ layer }: { readonly layer: LayerData }) {
  const rows = LISTS.filter(([flag]) => isKnown(layer, flag));
  const at = pointed.value ?? route.value.filter;
  const draw = useCallback((pen: Pen) => drawStrip(pen, layer, rows), [layer, rows.length]);
  const over = useCallback((pen: Pen) => drawPointed(pen, layer, at), [layer, at]);
  if (rows.length === 0) return null;
  const filterAt = (x: number, width: number): number | null =>
    x < LABEL ? null : Math.min(layer.filters - 1, Math.floor(((x - LABEL) / (width - LABEL)) * layer.filters));
  return (
    <Canvas
      height={rows.length * ROW}
      label={`which of the ${layer.filters} filters of ${layer.name} stay, in the kernel's order: ${rows.map(([, name]) => name).join(', ')}`}
      draw={draw}
      over={over}
      onPoint={(x, width) => (pointed.value = x === null ? null : filterAt(x, width))}
      onRelease={(x, width) => go({ filter: filterAt(x, width) }, 'replace')}
    />
  );
}

function drawStrip(
  { context, width, colour }: Pen,
  layer: LayerData,
  rows: readonly (readonly [Flag, string])[],
): void {
  const room = width - LABEL;
  const step = room / layer.filters;
  const sharp = devicePixelRatio || 1;
  context.font = '12px system-ui, sans-serif';
  for (const [k, [flag, name]] of rows.entries()) {
    const top = k * ROW;
    context.fillStyle = colour('ink');
    context.fillText(name, 0, top + 15);
    context.fillStyle = colour('track');
    context.fillRect(LABEL, top + 2, room, ROW - 4);
    for (let filter = 0; filter < layer.filters; filter++) {
      if (!has(layer, filter, flag)) continue;
      const differs = flag !== 'expected' && isKnown(layer, 'expected') && !has(layer, filter, 'expected');
      context.fillStyle = colour(differs && !has(layer, filter, 'tied') ? 'wrong' : 'kept');
      const left = Math.round((LABEL + filter * step) * sharp) / sharp;
      const right = Math.round((LABEL + (filter + 1) * step) * sharp) / sharp;
      context.fillRect(left, top + 2, Math.max(right - left - (step >= 4 ? 1 : 0), 1 / sharp), ROW - 4);
    }
  }
}

function drawPointed({ context, width, height, colour }: Pen, { filters }: LayerData, at: number | null): void {
  if (at === null || at >= filters) return;
  const step = (width - LABEL) / filters;
  context.strokeStyle = colour('ink');
  context.lineWidth = 1.5;
  context.strokeRect(LABEL + at * step - 1, 0.75, Math.max(step, 2) + 2, height - 1.5);
}
