import { useEffect, useRef, useState } from 'preact/hooks';
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
  draw(pen: Pen): void;
  /** Where the pointer is, in CSS pixels from the left; null where it left. */
  onPoint?(x: number | null, width: number): void;
  onPress?(x: number, width: number): void;
  onRelease?(x: number, width: number): void;
  onDouble?(): void;
  onKey?(event: KeyboardEvent): void;
  onTurn?(event: WheelEvent, x: number, width: number): void;
}

/** A canvas as wide as its place, as sharp as the screen, and drawn anew when the theme changes. */
export function Canvas({ height, label, draw, ...on }: CanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(canvas);
  const dark = useDark();
  // Read here, so that a change of theme draws anew.
  const look = `${theme.value} ${isPrinting.value} ${dark}`;
  useEffect(() => {
    const element = canvas.current!;
    if (width === 0) return;
    const scale = devicePixelRatio || 1;
    element.width = Math.round(width * scale);
    element.height = Math.round(height * scale);
    const context = element.getContext('2d')!;
    context.scale(scale, scale);
    const styles = getComputedStyle(element);
    draw({ context, width, height, colour: (name) => styles.getPropertyValue(`--${name}`) });
  }, [width, height, draw, look]);
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
