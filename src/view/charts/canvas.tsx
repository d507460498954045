import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { isPrinting, theme } from '../state.ts';

/** Colours of the page's theme, by the names that page.css gives them. */
export type Palette = (name: string) => string;

/** What is drawn with: sizes in CSS pixels. */
export interface Pen {
  readonly context: CanvasRenderingContext2D;
  readonly width: number;
  readonly height: number;
  readonly colour: Palette;
}

interface CanvasProps {
  readonly height: number;
  readonly label: string;
  /** What stays as it is while the pointer moves: drawn once for each value of the function. */
  draw(pen: Pen): void;
  /** What follows the pointer, drawn over it. */
  over?(pen: Pen): void;
  /** Where the pointer is, in CSS pixels from the left; null where it left. */
  onPoint?(x: number | null, width: number): void;
  onPress?(x: number, width: number): void;
  onRelease?(x: number, width: number): void;
  onDouble?(): void;
  onKey?(event: KeyboardEvent): void;
  onTurn?(event: WheelEvent, x: number, width: number): void;
}

/** A canvas as wide as its place, as sharp as the screen, and drawn anew when the theme changes. */
export function Canvas({ height, label, draw, over, ...on }: CanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const still = useRef<HTMLCanvasElement | null>(null);
  const width = useWidth(canvas);
  const dark = useDark();
  // Read here, so that a change of theme draws anew.
  const look = `${theme.value} ${isPrinting.value} ${dark}`;
  // At once: what is printed is laid out right after the change to its colours.
  useLayoutEffect(() => {
    if (width === 0) return;
    still.current = document.createElement('canvas');
    draw(penFor(still.current, canvas.current!, width, height));
  }, [width, height, draw, look]);
  useLayoutEffect(() => {
    const element = canvas.current!;
    if (width === 0) return;
    const pen = penFor(element, element, width, height);
    pen.context.drawImage(still.current!, 0, 0, width, height);
    over?.(pen);
  }, [width, height, draw, look, over]);
  const turn = on.onTurn;
  useEffect(() => {
    const element = canvas.current!;
    if (turn === undefined) return;
    // By hand, because it keeps the page from scrolling.
    const listener = (event: WheelEvent) => turn(event, event.offsetX, width);
    element.addEventListener('wheel', listener, { passive: false });
    return () => element.removeEventListener('wheel', listener);
  }, [turn, width]);
  const isKeyed = on.onKey !== undefined;
  return (
    <canvas
      ref={canvas}
      style={{ height: `${height}px` }}
      role="img"
      aria-label={label}
      tabIndex={isKeyed ? 0 : undefined}
      onPointerMove={(event) => on.onPoint?.(event.offsetX, width)}
      onPointerLeave={() => on.onPoint?.(null, width)}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        on.onPress?.(event.offsetX, width);
      }}
      onPointerUp={(event) => on.onRelease?.(event.offsetX, width)}
      onDblClick={() => on.onDouble?.()}
      onKeyDown={(event) => on.onKey?.(event)}
    />
  );
}

/** A pen for a canvas that is cleared, in the colours of where it stands. */
function penFor(canvas: HTMLCanvasElement, place: Element, width: number, height: number): Pen {
  const scale = devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext('2d')!;
  context.scale(scale, scale);
  const styles = getComputedStyle(place);
  return { context, width, height, colour: (name) => styles.getPropertyValue(`--${name}`) };
}

function useWidth(canvas: { readonly current: HTMLCanvasElement | null }): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = canvas.current!;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    setWidth(element.clientWidth);
    return () => observer.disconnect();
  }, []);
  return width;
}

function useDark(): boolean {
  const [isDark, setDark] = useState(() => matchMedia('(prefers-color-scheme: dark)').matches);
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)');
    const update = () => setDark(query.matches);
    query.addEventListener('change', update);
    return () => query.removeEventListener('change', update);
  }, []);
  return isDark;
}
