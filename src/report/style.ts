/** How a text stands out: where nobody sees colours, as it is. */
export type Style = (kind: Tone, text: string) => string;

export type Tone = 'good' | 'bad' | 'open' | 'title';

export const PLAIN: Style = (_, text) => text;

/** The tone of a verdict. */
export const TONES: Readonly<Record<string, Tone>> = {
  conforms: 'good',
  diverges: 'bad',
  unverifiable: 'open',
  mismatch: 'bad',
  ambiguous: 'open',
};
