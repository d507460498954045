// A value with typed arrays in it as bytes, and back: the length of a JSON text, the text, then the arrays. Bytes of one significance stand together,
// which makes floats a quarter smaller once they are deflated; arrays with the same content are stored once.

type Packed = Uint8Array | Uint32Array | Float32Array | Float64Array;

const TYPES = { Uint8Array, Uint32Array, Float32Array, Float64Array } as const;

/** Stands in the JSON for an array: its type, and where its bytes are. */
interface Reference {
  readonly $: keyof typeof TYPES;
  readonly at: number;
  readonly bytes: number;
}

/** @param value of plain objects, lists, strings, numbers and typed arrays; no key of it is `$` */
export function pack(value: unknown): Uint8Array {
  const pieces: Uint8Array[] = [];
  const seen = new Map<string, { readonly reference: Reference; readonly planes: Uint8Array }>();
  let end = 0;
  const referenceOf = (array: Packed): Reference => {
    const planes = split(array);
    const type = array.constructor.name as Reference['$'];
    const key = `${type} ${fingerprint(planes)}`;
    const before = seen.get(key);
    if (before !== undefined && sameBytes(planes, before.planes)) return before.reference;
    const reference = { $: type, at: end, bytes: planes.length };
    pieces.push(planes);
    end += planes.length;
    seen.set(key, { reference, planes });
    return reference;
  };
  const text = new TextEncoder().encode(
    JSON.stringify(value, (_, item: unknown) => (isPacked(item) ? referenceOf(item) : item)),
  );
  const bytes = new Uint8Array(4 + text.length + end);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 4);
  let at = 4 + text.length;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

export function unpack(bytes: Uint8Array): unknown {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const text = new TextDecoder().decode(bytes.subarray(4, 4 + length));
  const start = 4 + length;
  const arrays = new Map<string, Packed>();
  return JSON.parse(text, (_, item: unknown) => {
    if (!isReference(item)) return item;
    const { $: type, at, bytes: size } = item;
    const key = `${type} ${at} ${size}`;
    const array = arrays.get(key) ?? joined(bytes.subarray(start + at, start + at + size), type);
    arrays.set(key, array);
    return array;
  });
}

function isPacked(item: unknown): item is Packed {
  return ArrayBuffer.isView(item);
}

function isReference(item: unknown): item is Reference {
  return typeof item === 'object' && item !== null && '$' in item;
}

function split(array: Packed): Uint8Array {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  const width = array.BYTES_PER_ELEMENT;
  if (width === 1) return bytes;
  const planes = new Uint8Array(bytes.length);
  for (let plane = 0; plane < width; plane++)
    for (let k = 0; k < array.length; k++) planes[plane * array.length + k] = bytes[k * width + plane]!;
  return planes;
}

function joined(planes: Uint8Array, type: Reference['$']): Packed {
  const width = TYPES[type].BYTES_PER_ELEMENT;
  const count = planes.length / width;
  const bytes = new Uint8Array(planes.length);
  for (let plane = 0; plane < width; plane++)
    for (let k = 0; k < count; k++) bytes[k * width + plane] = planes[plane * count + k]!;
  return new TYPES[type](bytes.buffer);
}

/** FNV-1a, to find what may be equal. */
function fingerprint(bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return `${bytes.length} ${hash}`;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, k) => byte === b[k]);
}
