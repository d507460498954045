import fc from 'fast-check';

/** What is done to a seed: bytes are put over others, put in, taken out or said again. */
type Edit = { readonly at: number } & (
  | { readonly kind: 'over' | 'in'; readonly bytes: Uint8Array }
  | { readonly kind: 'out'; readonly count: number }
  | { readonly kind: 'again'; readonly count: number; readonly times: number }
  | { readonly kind: 'end' }
);

/**
 * Changed copies of seeds.
 * @param words what means something to the reader
 */
export function mutated(
  seeds: readonly Uint8Array[],
  words: readonly (string | Uint8Array)[],
): fc.Arbitrary<Uint8Array> {
  const known = words.map((word) => (typeof word === 'string' ? new TextEncoder().encode(word) : word));
  const bytes = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...known) },
    { weight: 2, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 8 }) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }).map((text) => new TextEncoder().encode(text)) },
  );
  const at = fc.nat(2 ** 20);
  const count = fc.nat(64);
  const edit: fc.Arbitrary<Edit> = fc.oneof(
    fc.record({ kind: fc.constantFrom('over' as const, 'in' as const), at, bytes }),
    fc.record({ kind: fc.constant('out' as const), at, count }),
    fc.record({ kind: fc.constant('again' as const), at, count, times: fc.nat(40) }),
    fc.record({ kind: fc.constant('end' as const), at }),
  );
  return fc
    .record({ seed: fc.constantFrom(...seeds), edits: fc.array(edit, { maxLength: 6 }) })
    .map(({ seed, edits }) => edits.reduce(edited, seed));
}

function edited(content: Uint8Array, edit: Edit): Uint8Array {
  const at = content.length === 0 ? 0 : edit.at % content.length;
  const [head, tail] = [content.subarray(0, at), content.subarray(at)];
  switch (edit.kind) {
    case 'over':
      return joined(head, edit.bytes, tail.subarray(edit.bytes.length));
    case 'in':
      return joined(head, edit.bytes, tail);
    case 'out':
      return joined(head, tail.subarray(edit.count));
    case 'again':
      return joined(head, ...Array.from({ length: edit.times }, () => tail.subarray(0, edit.count)), tail);
    case 'end':
      return head;
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
