/** A letter for each group of layers that are pruned alike, by its id: A, B, ..., Z, AA. */
export function groupLetters({
  groups,
}: {
  readonly groups: readonly { readonly id: number }[];
}): ReadonlyMap<number, string> {
  return new Map(groups.map(({ id }, k) => [id, letter(k)]));
}

function letter(k: number): string {
  const last = String.fromCharCode(65 + (k % 26));
  return k < 26 ? last : `${letter(Math.floor(k / 26) - 1)}${last}`;
}
