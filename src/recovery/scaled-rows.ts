import type { Kernel, RowGroup } from './kernel.ts';
import { matchRows, type RowMatches } from './rows.ts';

export interface Kernels {
  readonly dense: Kernel;
  readonly pruned: Kernel;
  /** The dense kernel once more, its rows scaled by factors so many units in the last place further from zero. */
  rescaled(steps: number): Kernel | null;
}

/** Matches rows; those of a kernel that we folded are tried with every factor that the exporter may have folded with. */
export function matchScaledRows(kernels: Kernels, groups: readonly RowGroup[]): RowMatches {
  const matches = matchRows(kernels.dense, kernels.pruned, groups);
  const { rowScaleError } = kernels.dense.weight;
  const several = new Map(matches.several);
  for (let error = 1; error <= rowScaleError && matches.first.includes(-1); error++) {
    for (const steps of [error, -error]) {
      const dense = kernels.rescaled(steps);
      const again = dense === null ? null : matchRows(dense, kernels.pruned, groups);
      for (const [p, row] of again?.first.entries() ?? []) {
        if (matches.first[p] !== -1 || row === -1) continue;
        matches.first[p] = row;
        const rows = again!.several.get(p);
        if (rows !== undefined) several.set(p, rows);
      }
    }
  }
  // The kernel lies in its file's buffer, where the last one read stands.
  if (rowScaleError > 0) kernels.rescaled(0);
  return { first: matches.first, several };
}
