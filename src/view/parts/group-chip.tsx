import { model } from '../state.ts';

/** Colours of groups that colour-blind readers can tell; the letter says the same. */
export const GROUP_COLOURS = 8;

export function GroupChip({ group }: { readonly group: number | null }) {
  const known = group === null ? undefined : model.value?.groups[group];
  if (known === undefined) return <span class="chip none" />;
  return (
    <span class={`chip g${group! % GROUP_COLOURS}`} title={`group ${known.letter}`}>
      {known.letter}
    </span>
  );
}
