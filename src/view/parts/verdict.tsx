import type { LayerVerdict, Verdict } from '../data/types.ts';

/** A sign and a word, so that colour alone says nothing. */
const SIGNS: Readonly<Record<Verdict | LayerVerdict, readonly [string, string]>> = {
  conforms: ['✓', 'good'],
  match: ['✓', 'good'],
  diverges: ['✗', 'bad'],
  mismatch: ['✗', 'bad'],
  ambiguous: ['≈', 'open'],
  unverifiable: ['?', 'open'],
};

export function VerdictSign({ of }: { readonly of: LayerVerdict | null }) {
  if (of === null) return <span class="sign" />;
  const [sign, tone] = SIGNS[of];
  return (
    <span class={`sign ${tone}`} role="img" aria-label={of} title={of}>
      {sign}
    </span>
  );
}

export function VerdictWord({ of }: { readonly of: Verdict | LayerVerdict | null }) {
  if (of === null) return <span class="verdict">not judged</span>;
  const [sign, tone] = SIGNS[of];
  return (
    <span class={`verdict ${tone}`}>
      <span aria-hidden="true">{sign}</span> {of}
    </span>
  );
}
