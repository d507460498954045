import { ENTRY_BYTES, MAX_NESTING, MAX_STRING_BYTES } from './limits.ts';
import { charge, malformed, more, need, position, skip, type Window } from './window.ts';

/** Protobuf wire types (protobuf.dev/programming-guides/encoding). */
const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const GROUP_START = 3;
const GROUP_END = 4;
const FIXED32 = 5;

/** Entries of the cache of short strings. */
const NAME_CACHE_ENTRIES = 4096;

/** Longer strings rarely come twice, so they are not looked up. */
const CACHED_NAME_BYTES = 96;

/** A varint is at most ten bytes (protobuf encoding; CWE-835 for readers that go on). */
const VARINT_BYTES = 10;

/** U+FFFD for bytes that are not UTF-8. */
const UTF_8 = new TextDecoder('utf-8', { ignoreBOM: true });

const TWO_32 = 0x1_0000_0000;

/** Reads a varint into window.low and window.high. Bits past the 64th are dropped, as the C++ parser does. */
function readVarint(window: Window): void {
  if (window.at < window.filled) {
    const byte = window.buffer[window.at]!;
    if (byte < 0x80) {
      window.at++;
      window.low = byte;
      window.high = 0;
      return;
    }
  }
  readLongVarint(window);
}

function readLongVarint(window: Window): void {
  let low = 0;
  let high = 0;
  for (let i = 0; i < VARINT_BYTES; i++) {
    if (window.at >= window.filled) need(window, 1);
    const byte = window.buffer[window.at++]!;
    const bits = byte & 0x7f;
    if (i < 4) low |= bits << (7 * i);
    else if (i > 4) high |= bits << (7 * i - 32);
    else {
      low |= bits << 28;
      high = bits >> 4;
    }
    if (byte < 0x80) {
      window.low = low;
      window.high = high;
      return;
    }
  }
  throw malformed(window, 'a number is longer than ten bytes');
}

/** A field's number and wire type: `number << 3 | wire type`. */
export function readTag(window: Window): number {
  if (window.at >= window.filled) need(window, 1);
  const byte = window.buffer[window.at]!;
  if (byte < 0x80) {
    if (byte < 8) throw malformed(window, 'a field has number 0');
    window.at++;
    return byte;
  }
  readVarint(window);
  const tag = window.low >>> 0;
  if (window.high !== 0 || tag < 8) throw malformed(window, 'a field has an impossible number');
  return tag;
}

/** A length-delimited field's length, checked to end inside the message that holds it. */
export function readLength(window: Window): number {
  readVarint(window);
  const length = (window.high >>> 0) * TWO_32 + (window.low >>> 0);
  if (length > window.end - position(window)) throw malformed(window, 'a field runs past the end of what holds it');
  return length;
}

/** A signed 64-bit varint; beyond 2^53 it is rounded, so never a safe integer. */
export function readInt64(window: Window): number {
  readVarint(window);
  return window.high * TWO_32 + (window.low >>> 0);
}

/** An unsigned 64-bit varint's halves, for decoders that keep every bit. */
export function readHalves(window: Window): { readonly low: number; readonly high: number } {
  readVarint(window);
  return window;
}

/** A 32-bit varint: negative ones are written with ten bytes, of which the low 32 bits count. */
export function readInt32(window: Window): number {
  readVarint(window);
  return window.low;
}

export function readFloat(window: Window): number {
  need(window, 4);
  const value = window.view.getFloat32(window.at, true);
  window.at += 4;
  return value;
}

/** Integers that a number cannot hold become the nearest that it can: exporters write 2^63 - 1 for "to the end". */
export function saturated(value: number): number {
  return Math.min(Math.max(value, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
}

/** Opens a message field; pass the result to `leave` once its fields are read. */
export function enter(window: Window): number {
  const outer = window.end;
  const length = readLength(window);
  if (++window.depth > MAX_NESTING) throw malformed(window, `messages are nested more than ${MAX_NESTING} deep`);
  window.end = position(window) + length;
  return outer;
}

/** Closes the message that `enter` opened. */
export function leave(window: Window, outer: number): void {
  if (position(window) !== window.end) throw malformed(window, 'a field runs past the end of its message');
  window.end = outer;
  window.depth--;
}

/** Passes over a field that nobody reads. */
export function skipField(window: Window, tag: number): void {
  const wire = tag & 7;
  if (wire === GROUP_START) skipGroup(window, tag >>> 3);
  else skipScalar(window, wire);
}

function skipScalar(window: Window, wire: number): void {
  if (wire === VARINT) readVarint(window);
  else if (wire === LENGTH) skip(window, readLength(window));
  else if (wire === FIXED32) skipFixed(window, 4);
  else if (wire === FIXED64) skipFixed(window, 8);
  else
    throw malformed(window, wire === GROUP_END ? 'a group ends that never began' : 'a field has an unknown wire type');
}

function skipFixed(window: Window, bytes: number): void {
  if (bytes > window.end - position(window)) throw malformed(window, 'a field runs past the end of what holds it');
  skip(window, bytes);
}

/** Groups nest, and may be as deep as the file is long: a list of open ones, not recursion, and a cap (CWE-674). */
function skipGroup(window: Window, number: number): void {
  const open = [number];
  while (open.length > 0) {
    if (!more(window)) throw malformed(window, 'a group has no end');
    const tag = readTag(window);
    const wire = tag & 7;
    if (wire === GROUP_START) {
      if (open.push(tag >>> 3) + window.depth > MAX_NESTING) {
        throw malformed(window, `groups are nested more than ${MAX_NESTING} deep`);
      }
    } else if (wire === GROUP_END) {
      if (open.pop() !== tag >>> 3) throw malformed(window, 'a group ends that never began');
    } else skipScalar(window, wire);
  }
}

/** A name or other short text; UTF-8, with U+FFFD for bytes that are not. */
export function readString(window: Window): string {
  const length = readLength(window);
  if (length > MAX_STRING_BYTES) throw malformed(window, `a name is ${length} bytes long`);
  charge(window, ENTRY_BYTES + length);
  return textOf(window, length);
}

/** The same, but null for text too long to be kept. */
export function readText(window: Window): string | null {
  const length = readLength(window);
  if (length <= MAX_STRING_BYTES) {
    charge(window, ENTRY_BYTES + length);
    return textOf(window, length);
  }
  skip(window, length);
  return null;
}

function textOf(window: Window, length: number): string {
  if (length > window.buffer.length) {
    const long = new Uint8Array(length);
    window.source.read(long, position(window), length);
    skip(window, length);
    return UTF_8.decode(long);
  }
  need(window, length);
  const start = window.at;
  window.at += length;
  return length <= CACHED_NAME_BYTES
    ? shortText(window, start, length)
    : UTF_8.decode(window.buffer.subarray(start, start + length));
}

function shortText({ buffer, names }: Window, start: number, length: number): string {
  const text = UTF_8.decode(buffer.subarray(start, start + length));
  const known = names.get(text);
  if (known !== undefined) return known;
  if (names.size === NAME_CACHE_ENTRIES) names.clear();
  names.set(text, text);
  return text;
}

/** Appends the entries of a packed field to a list. */
export function readPacked(window: Window, into: number[], read: (window: Window) => number): void {
  const outer = window.end;
  const length = readLength(window);
  window.end = position(window) + length;
  while (more(window)) into.push(entry(window, read));
  if (position(window) !== window.end) throw malformed(window, 'a field runs past the end of its message');
  window.end = outer;
}

/** One entry of a list, charged as such. */
export function entry(window: Window, read: (window: Window) => number): number {
  charge(window, ENTRY_BYTES);
  return read(window);
}
