import { InputError } from '../errors/input-error.ts';
import { MAX_HEADER_BYTES, MAX_WINDOW_BYTES, MIN_WINDOW_BYTES } from './limits.ts';
import type { ModelSource } from './model-source.ts';

/** A tag and a value always fit. */
const LEAST_WINDOW_BYTES = 32;

/** What is passed over by reading it: as many bytes as take the time of a read of their own. */
const SHORT_JUMP_BYTES = 16 * 1024;

/** Most headers begin with nodes, which are read in sequence. */
const FIRST_READ_BYTES = 64 * 1024;

/**
 * A sliding view of a model's bytes and the place in it where the next field is read. The one mutable value of this folder: it lives
 * as long as one scan. Offsets are bytes.
 */
export interface Window {
  readonly source: ModelSource;
  readonly buffer: Uint8Array;
  /** The same bytes. */
  readonly view: DataView;
  /** File offset of buffer[0]. */
  base: number;
  /** Bytes of the buffer that hold the file's. */
  filled: number;
  /** Index in the buffer of the next byte. */
  at: number;
  /** Size of the next read: small after a skip, doubled while reading goes on in sequence. */
  step: number;
  /** File offset where the innermost open message ends. */
  end: number;
  /** Open messages and groups. */
  depth: number;
  /** Estimated heap taken by what was kept. */
  kept: number;
  /** The two halves of the last varint, as signed 32-bit integers. */
  low: number;
  high: number;
  /** Recently read short strings: a graph names every edge at least twice. */
  readonly names: Map<string, string>;
}

/** A window at the start of a file, with a buffer for stretches of up to `stretch` bytes. */
export function openWindow(source: ModelSource, stretch = source.size): Window {
  const buffer = new Uint8Array(Math.min(MAX_WINDOW_BYTES, Math.max(stretch, LEAST_WINDOW_BYTES)));
  return {
    source,
    buffer,
    view: new DataView(buffer.buffer),
    base: 0,
    filled: 0,
    at: 0,
    step: Math.min(FIRST_READ_BYTES, buffer.length),
    end: source.size,
    depth: 0,
    kept: 0,
    low: 0,
    high: 0,
    names: new Map(),
  };
}

/** Moves to bytes [start, end) of the file. */
export function seek(window: Window, start: number, end: number): void {
  window.base = start;
  window.at = 0;
  window.filled = 0;
  window.end = end;
  window.step = Math.min(window.buffer.length, Math.max(end - start, LEAST_WINDOW_BYTES));
}

/** Reads ahead, and comes back to where the window was. */
export function peek<Value>(window: Window, read: () => Value): Value {
  const start = position(window);
  const value = read();
  const isBuffered = start >= window.base && start < window.base + window.filled;
  if (!isBuffered) {
    window.base = start;
    window.filled = 0;
    window.step = Math.min(MIN_WINDOW_BYTES, window.buffer.length);
  }
  window.at = start - window.base;
  return value;
}

/** File offset of the next byte. */
export function position(window: Window): number {
  return window.base + window.at;
}

/** True while the innermost message has fields left. */
export function more(window: Window): boolean {
  return window.base + window.at < window.end;
}

/** The error for a file whose bytes are not what protobuf or onnx.proto allows. */
export function malformed(window: Window, what: string): InputError {
  return new InputError(`is not a readable ONNX file: ${what} at byte ${position(window)}; export it again`, {
    file: window.source.name,
  });
}

/** Counts what is about to be kept against the budget of the header. */
export function charge(window: Window, bytes: number): void {
  window.kept += bytes;
  if (window.kept > MAX_HEADER_BYTES) {
    throw malformed(window, `its nodes and names would take more than ${MAX_HEADER_BYTES} bytes of memory`);
  }
}

/** Makes the next `count` bytes (at most the buffer's size) lie in the buffer, one after another, from index `at`. */
export function need(window: Window, count: number): void {
  if (window.at + count <= window.filled) return;
  const { source, buffer } = window;
  const start = position(window);
  if (start + count > source.size) throw malformed(window, 'a field is cut off');
  const rest = Math.max(window.filled - window.at, 0);
  if (rest > 0) buffer.copyWithin(0, window.at, window.filled);
  const wanted = Math.min(Math.max(window.step, count - rest), buffer.length - rest, source.size - start - rest);
  source.read(rest === 0 ? buffer : buffer.subarray(rest), start + rest, wanted);
  window.base = start;
  window.at = 0;
  window.filled = rest + wanted;
  window.step = Math.min(window.step * 2, buffer.length);
}

/** Passes over bytes without reading them. */
export function skip(window: Window, count: number): void {
  window.at += count;
  const overshoot = window.at - window.filled;
  if (overshoot <= 0) return;
  window.base += window.at;
  window.at = 0;
  window.filled = 0;
  // A short jump (a bias, a doc string) is still reading in sequence; after a long one the next header is all we want.
  if (overshoot >= Math.min(window.step, SHORT_JUMP_BYTES))
    window.step = Math.min(MIN_WINDOW_BYTES, window.buffer.length);
}
