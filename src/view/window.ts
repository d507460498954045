import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

/** Rows beyond the edges, so that a quick scroll shows no gap. */
const MORE = 8;

export interface RowWindow<T extends HTMLElement> {
  readonly box: RefObject<T | null>;
  readonly from: number;
  readonly to: number;
  onScroll(): void;
  /** Scrolls so that a row is seen; in the middle where it was not. */
  show(row: number): void;
}

/**
 * The rows of a long list that are in sight: the others are only space.
 * @param height of a row in pixels
 */
export function useRows<T extends HTMLElement>(count: number, height: number, above = 0): RowWindow<T> {
  const box = useRef<T>(null);
  const [top, setTop] = useState(0);
  const [room, setRoom] = useState(800);
  useEffect(() => {
    const element = box.current!;
    const observer = new ResizeObserver(() => setRoom(element.clientHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const from = Math.max(0, Math.min(Math.floor(top / height) - MORE, count - 1));
  return {
    box,
    from,
    to: Math.min(count, Math.ceil((top + room) / height) + MORE),
    onScroll: () => setTop(box.current!.scrollTop),
    show(row) {
      const element = box.current;
      if (element === null) return;
      const [start, end] = [row * height, (row + 1) * height + above];
      if (start < element.scrollTop || end > element.scrollTop + element.clientHeight)
        element.scrollTop = Math.max(0, start - element.clientHeight / 2);
      setTop(element.scrollTop);
    },
  };
}
