import { signal } from '@preact/signals';
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import type { LayerData, NumbersData, Values } from '../data/types.ts';
import { countOf, has, keptOf, orderOf, partOfMerged, placeOf, short } from '../layers.ts';
import { go, route, tried } from '../state.ts';
import { keptUnder } from '../what-if.ts';
import { filtersText } from '../words.ts';
import { Canvas, type Pen } from './canvas.tsx';
import { drawBars, drawHatch, drawLabel, drawLine, heightOf, type Stretch } from './draw.ts';

/** The filter that the pointer is on. */
export const pointed = signal<number | null>(null);

const HEIGHT = 280;
/** A stretch of fewer filters is no longer a picture. */
const FEWEST = 8;

/** Filters by the value that decided, with the cut: drag to zoom, double click or 0 for all. */
export function Bars({ layer, numbers }: { readonly layer: LayerData; readonly numbers: NumbersData }) {
  const order = orderOf(layer);
  const whole = useMemo((): Stretch => ({ from: 0, to: layer.filters }), [layer]);
  const [stretch, setStretch] = useState(whole);
  const [drag, setDrag] = useState<{ readonly from: number; readonly to: number } | null>(null);
  useEffect(() => setStretch(whole), [whole]);
  const shown = stretch.to <= layer.filters ? stretch : whole;
  const scale = useMemo(() => scaleOf(numbers, order, shown), [numbers, order, shown]);
  const own = useMemo(() => partOfMerged(layer), [layer]);
  const at = pointed.value ?? route.value.filter;
  const other = tried.value;
  const draw = useCallback(
    (pen: Pen) => {
      drawBars(pen, { layer, order, stretch: shown, values: numbers.merged, own, scale });
      drawEnds(pen, scale);
      drawCut(pen, layer, numbers, shown, scale);
    },
    [layer, numbers, order, shown, scale, own],
  );
  const over = useCallback(
    (pen: Pen) => {
      drawTried(pen, numbers, shown, other);
      if (at !== null && at < layer.filters) drawPointed(pen, placeOf(layer, at), shown);
      if (drag !== null) drawDrag(pen, drag);
    },
    [layer, numbers, shown, at, drag, other],
  );
  const filterAt = (x: number, width: number): number => {
    const place = shown.from + Math.floor((x / width) * (shown.to - shown.from));
    return order[Math.max(shown.from, Math.min(shown.to - 1, place))]!;
  };
  const zoom = (factor: number, around: number): void => setStretch(zoomed(shown, factor, around, layer.filters));
  const middle = (): number => (at === null ? (shown.from + shown.to) / 2 : placeOf(layer, at));
  return (
    <Canvas
      height={HEIGHT}
      label={labelOf(layer, numbers)}
      draw={draw}
      over={over}
      onPoint={(x, width) => {
        pointed.value = x === null ? null : filterAt(x, width);
        if (x !== null && drag !== null) setDrag({ ...drag, to: x });
      }}
      onPress={(x) => setDrag({ from: x, to: x })}
      onRelease={(x, width) => {
        setDrag(null);
        if (drag === null) return;
        if (Math.abs(x - drag.from) < 5) return go({ filter: filterAt(x, width) }, 'replace');
        const places = [drag.from, x].sort((a, b) => a - b).map((each) => placeOf(layer, filterAt(each, width)));
        setStretch(atLeast({ from: places[0]!, to: places[1]! + 1 }, layer.filters));
      }}
      onDouble={() => setStretch(whole)}
      onTurn={(event, x, width) => {
        if (!event.ctrlKey && !event.shiftKey) return;
        event.preventDefault();
        zoom(event.deltaY > 0 ? 1.25 : 0.8, shown.from + (x / width) * (shown.to - shown.from));
      }}
      onKey={(event) => {
        const step = { ArrowLeft: -1, ArrowRight: 1, Home: -layer.filters, End: layer.filters }[event.key];
        if (step !== undefined) {
          const place = Math.max(0, Math.min(layer.filters - 1, (at === null ? -step : placeOf(layer, at)) + step));
          pointed.value = null;
          go({ filter: order[place]! }, 'replace');
        } else if (event.key === '+' || event.key === '=') zoom(0.6, middle());
        else if (event.key === '-') zoom(1.6, middle());
        else if (event.key === '0') setStretch(whole);
        else return;
        event.preventDefault();
        event.stopPropagation();
      }}
    />
  );
}

function labelOf(layer: LayerData, { cut, merged }: NumbersData): string {
  const kept = countOf(layer, 'expected') ?? keptOf(layer) ?? 0;
  const ends = [merged[orderOf(layer)[0]!]!, merged[orderOf(layer)[layer.filters - 1]!]!].map(short);
  const at = cut === null ? 'nothing is cut' : `the cut at ${short(cut)} leaves ${kept}`;
  return `${filtersText(layer.filters)} of ${layer.name} from ${ends[0]} down to ${ends[1]}; ${at}. The table below has every value.`;
}

/** From zero on; a part of the filters from a little below the lowest, because they may be all but equal. */
function scaleOf({ merged }: NumbersData, order: Uint32Array, { from, to }: Stretch): Stretch {
  const [top, foot] = [finite(merged, order, from, to, 1), finite(merged, order, from, to, -1)];
  const spread = top - foot;
  if (spread <= 0) return { from: foot > 0 ? 0 : foot - 1, to: top === 0 ? 1 : top };
  const isWhole = to - from === order.length;
  return { from: foot >= 0 && (isWhole || spread > top / 4) ? 0 : foot - spread / 4, to: top };
}

function finite(values: Values, order: Uint32Array, from: number, to: number, step: 1 | -1): number {
  for (let k = step > 0 ? from : to - 1; k >= from && k < to; k += step) {
    const value = values[order[k]!]!;
    if (!Number.isNaN(value)) return value;
  }
  return 0;
}

function xOf(place: number, { from, to }: Stretch, width: number): number {
  return ((place - from) / (to - from)) * width;
}

function drawCut(pen: Pen, layer: LayerData, numbers: NumbersData, shown: Stretch, scale: Stretch): void {
  const { cut, threshold, tie } = numbers;
  const kept = countOf(layer, 'expected') ?? keptOf(layer);
  const isSeen = (value: number): boolean => value > scale.from && value < scale.to;
  if (threshold !== null && isSeen(threshold)) {
    const y = pen.height - heightOf(threshold, scale, pen.height);
    drawLine(pen, { y }, 'ink');
    drawLabel(pen, `threshold ${short(threshold)}: ${numbers.passing} pass`, pen.width, Math.max(y - 6, 32));
  }
  if (tie !== null) {
    const places = orderOf(layer).reduce(
      ([low, high], filter, place) =>
        has(layer, filter, 'tied') ? [Math.min(low!, place), Math.max(high!, place + 1)] : [low!, high!],
      [layer.filters, 0],
    );
    const ends = places.map((place) => xOf(place, shown, pen.width));
    drawHatch(pen, ends[0]!, ends[1]!);
    drawLabel(pen, `any ${tie.pick} of ${tie.candidates} may stay`, ends[0]!, 32);
  }
  if (cut === null || kept === null) return;
  const x = xOf(kept, shown, pen.width);
  if (x < 0 || x > pen.width) return;
  drawLine(pen, { x }, 'ink');
  drawLabel(pen, `cut ${short(cut)}: ${filtersText(kept)} stay`, x, 14);
}

/** The axis: what the foot and the top of the chart stand for. */
function drawEnds(pen: Pen, { from, to }: Stretch): void {
  drawLabel(pen, short(to), pen.width, 14);
  drawLabel(pen, short(from), pen.width, pen.height - 5);
}

function drawTried(pen: Pen, { countRule, merged }: NumbersData, shown: Stretch, other: number | null): void {
  if (other === null || countRule === null) return;
  const kept = keptUnder(countRule, merged, other);
  const x = xOf(kept, shown, pen.width);
  drawLine(pen, { x }, 'tried');
  drawLabel(pen, `${countRule.key} ${short(other)}: ${kept} would stay`, x, 50);
}

function drawPointed({ context, width, height, colour }: Pen, place: number, shown: Stretch): void {
  if (place < shown.from || place >= shown.to) return;
  const left = xOf(place, shown, width);
  context.fillStyle = colour('ink');
  context.globalAlpha = 0.3;
  context.fillRect(left, 0, Math.max(xOf(place + 1, shown, width) - left, 2), height);
  context.globalAlpha = 1;
}

function drawDrag({ context, height, colour }: Pen, { from, to }: Stretch): void {
  context.fillStyle = colour('accent');
  context.globalAlpha = 0.2;
  context.fillRect(Math.min(from, to), 0, Math.abs(to - from), height);
  context.globalAlpha = 1;
}

function zoomed({ from, to }: Stretch, factor: number, around: number, filters: number): Stretch {
  const start = Math.round(around - (around - from) * factor);
  return atLeast({ from: start, to: start + Math.round((to - from) * factor) }, filters);
}

function atLeast({ from, to }: Stretch, filters: number): Stretch {
  const length = Math.min(Math.max(to - from, Math.min(FEWEST, filters)), filters);
  const start = Math.max(0, Math.min(Math.round((from + to - length) / 2), filters - length));
  return { from: start, to: start + length };
}
