import type { LayerData, Values } from '../data/types.ts';
import { type Fate, fateOf, has } from '../layers.ts';
import type { Pen } from './canvas.tsx';

/** Which stretch of the sorted filters a chart shows: positions from `from` to before `to`. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

export interface BarsPicture {
  readonly layer: LayerData;
  /** Filters from left to right. */
  readonly order: Uint32Array;
  readonly stretch: Stretch;
  /** How high a bar is. */
  readonly values: Values;
  /** Drawn fully where it is the lower one, as a layer's own value below the merged one; null for none. */
  readonly own: Values | null;
  /** Values at the foot and the top of the chart. */
  readonly scale: Stretch;
}

/** Where several filters share a pixel, the one that is looked for is seen. */
const RAREST_FIRST: readonly Fate[] = ['alone', 'partner', 'kept', 'cut'];
const ABOVE = 14;

export function heightOf(value: number, { from, to }: Stretch, height: number): number {
  if (Number.isNaN(value) || to === from) return 0;
  return Math.max(0, Math.min(1, (value - from) / (to - from))) * (height - ABOVE);
}

/** One bar a filter, or one a pixel where they are more. */
export function drawBars({ context, width, height, colour }: Pen, picture: BarsPicture): void {
  const { layer, order, stretch, values, own, scale } = picture;
  const shown = stretch.to - stretch.from;
  const columns = Math.min(shown, Math.ceil(width));
  const step = width / columns;
  const gap = step >= 4 ? 1 : 0;
  // Whole pixels: half covered ones would look like a pattern in the values.
  const sharp = devicePixelRatio || 1;
  const edge = (column: number): number => Math.round(column * step * sharp) / sharp;
  const colours = new Map(RAREST_FIRST.map((fate) => [fate, colour(fate)]));
  for (let column = 0; column < columns; column++) {
    const first = stretch.from + Math.floor((column * shown) / columns);
    const last = Math.max(first + 1, stretch.from + Math.floor(((column + 1) * shown) / columns));
    let [top, solid, fate] = [0, 0, 'cut' as Fate];
    let rarity = RAREST_FIRST.length;
    for (let k = first; k < last; k++) {
      const filter = order[k]!;
      const each = RAREST_FIRST.indexOf(fateOf(layer, filter));
      if (each < rarity) {
        rarity = each;
        fate = RAREST_FIRST[each]!;
      }
      const high = heightOf(values[filter]!, scale, height);
      top = Math.max(top, high);
      solid = Math.max(solid, own === null ? high : Math.min(high, heightOf(own[filter]!, scale, height)));
    }
    const left = edge(column);
    const wide = Math.max(edge(column + 1) - left - gap, 1 / sharp);
    context.fillStyle = colours.get(fate)!;
    context.globalAlpha = 0.4;
    context.fillRect(left, height - top, wide, top - solid);
    context.globalAlpha = 1;
    context.fillRect(left, height - solid, wide, solid);
  }
  drawMarks({ context, width, height, colour }, picture);
}

/** A triangle on each filter that is missing (hollow) or unexpected (full). */
function drawMarks(
  { context, width, height, colour }: Pen,
  { layer, order, stretch, values, scale }: BarsPicture,
): void {
  const shown = stretch.to - stretch.from;
  context.strokeStyle = colour('wrong');
  context.fillStyle = colour('wrong');
  context.lineWidth = 1.5;
  for (let k = stretch.from; k < stretch.to; k++) {
    const filter = order[k]!;
    const isMissing = has(layer, filter, 'missing');
    if (!isMissing && !has(layer, filter, 'unexpected')) continue;
    const x = ((k - stretch.from + 0.5) * width) / shown;
    const y = height - heightOf(values[filter]!, scale, height) - 2;
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x - 4.5, y - 8);
    context.lineTo(x + 4.5, y - 8);
    context.closePath();
    if (!isMissing) context.fill();
    context.stroke();
  }
}

export function drawLine({ context, width, height, colour }: Pen, at: { x?: number; y?: number }, name: string): void {
  context.strokeStyle = colour(name);
  context.lineWidth = 1.5;
  context.setLineDash([6, 4]);
  context.beginPath();
  if (at.x !== undefined) {
    context.moveTo(at.x, 0);
    context.lineTo(at.x, height);
  } else {
    context.moveTo(0, at.y!);
    context.lineTo(width, at.y!);
  }
  context.stroke();
  context.setLineDash([]);
}

/** Text that stays inside the picture, on its own ground. */
export function drawLabel({ context, width, colour }: Pen, text: string, x: number, y: number): void {
  context.font = '12px system-ui, sans-serif';
  const wide = context.measureText(text).width;
  const left = x + 6 + wide > width ? x - 6 - wide : x + 6;
  context.fillStyle = colour('ground');
  context.globalAlpha = 0.85;
  context.fillRect(left - 3, y - 12, wide + 6, 17);
  context.globalAlpha = 1;
  context.fillStyle = colour('ink');
  context.fillText(text, left, y);
}

/** Slanted lines over a stretch, for filters of which any may stay. */
export function drawHatch({ context, height, colour }: Pen, left: number, right: number): void {
  context.save();
  context.beginPath();
  context.rect(left, 0, right - left, height);
  context.clip();
  context.strokeStyle = colour('ink');
  context.globalAlpha = 0.35;
  context.lineWidth = 1;
  for (let x = left - height; x < right; x += 7) {
    context.beginPath();
    context.moveTo(x, height);
    context.lineTo(x + height, 0);
    context.stroke();
  }
  context.restore();
}
