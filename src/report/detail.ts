/** How much is shown, most first. What must fit somewhere takes the first that does; `counts` is never longer than a few lines. */
export const DETAILS = ['layers', 'whole', 'brief', 'titles', 'counts'] as const;
export type Detail = (typeof DETAILS)[number];

export interface Limits {
  /** Every layer, in a table that is folded up. */
  readonly allLayers: boolean;
  /** Findings shown with their details; of the rest the titles. */
  readonly findings: number;
  /** Details of a finding. */
  readonly lines: number;
  readonly titles: number;
  /** Rows of the table of layers that do not match. */
  readonly rows: number;
  readonly notes: number;
  /** Models shown one by one. */
  readonly models: number;
}

export const LIMITS: Readonly<Record<Detail, Limits>> = {
  layers: { allLayers: true, findings: 20, lines: 40, titles: 100, rows: 50, notes: 40, models: 100 },
  whole: { allLayers: false, findings: 5, lines: 20, titles: 20, rows: 20, notes: 10, models: 20 },
  brief: { allLayers: false, findings: 3, lines: 1, titles: 10, rows: 10, notes: 3, models: 10 },
  titles: { allLayers: false, findings: 0, lines: 0, titles: 10, rows: 0, notes: 0, models: 5 },
  counts: { allLayers: false, findings: 0, lines: 0, titles: 0, rows: 0, notes: 0, models: 0 },
};
