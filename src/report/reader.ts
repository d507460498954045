import type { ModelNumbers } from './html/numbers.ts';
import type { Style } from './style.ts';

/** Who reads a report, and what they want to see of it. */
export interface Reader {
  /** Every layer and every finding, not only those worth looking at. */
  readonly all: boolean;
  /** The command that explains a model's layers, to which `--layer` is added; null where the reader cannot run it. */
  explain(model: string): string | null;
  /** How what matters stands out; left out where nobody sees it. */
  readonly style?: Style;
  /** The values behind a model's layers, for a picture of them; null where nobody has them. */
  numbers(model: string): ModelNumbers | null;
}

/** One who has the report alone. */
export const ANYBODY: Reader = { all: false, explain: () => null, numbers: () => null };
