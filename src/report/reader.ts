/** Who reads a report, and what they want to see of it. */
export interface Reader {
  /** Every layer and every finding, not only those worth looking at. */
  readonly all: boolean;
  /** The command that explains a model's layers, to which `--layer` is added; null where the reader cannot run it. */
  explain(model: string): string | null;
}

/** One who has the report alone. */
export const ANYBODY: Reader = { all: false, explain: () => null };
