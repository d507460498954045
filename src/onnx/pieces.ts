const UTF_8 = new TextEncoder();

/** A stretch of a file to be written. */
export type Piece =
  /** Bytes of the file that is read. */
  | { readonly kind: 'copy'; readonly offset: number; readonly length: number }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** Bytes made when their turn comes. */
  | { readonly kind: 'made'; readonly length: number; readonly what: string; chunks(): Iterable<Uint8Array> };

export function lengthOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, piece) => sum + (piece.kind === 'bytes' ? piece.bytes.length : piece.length), 0);
}

/** A length-delimited field (wire type 2) that holds pieces. */
export function field(number: number, content: readonly Piece[]): Piece[] {
  return [bytesPiece([...varint(number * 8 + 2), ...varint(lengthOf(content))]), ...content];
}

export function textField(number: number, text: string): Piece[] {
  return field(number, [{ kind: 'bytes', bytes: UTF_8.encode(text) }]);
}

/** A varint field (wire type 0). */
export function intField(number: number, value: number): Piece[] {
  return [bytesPiece([...varint(number * 8), ...varint(value)])];
}

/** A repeated varint field, one entry each: onnx.proto is proto2, whose writers do not pack. */
export function intFields(number: number, values: readonly number[]): Piece[] {
  return values.flatMap((value) => intField(number, value));
}

function bytesPiece(bytes: readonly number[]): Piece {
  return { kind: 'bytes', bytes: Uint8Array.from(bytes) };
}

/** Base-128 varint of a safe integer; negative ones in two's complement, ten bytes long. */
function varint(value: number): number[] {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return bytes;
}
