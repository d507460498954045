import type { RowMatches } from './rows.ts';

/** Between which filters that are sure each filter stands, as a number; equal in both where the order was kept. */
export interface Windows {
  readonly dense: Int32Array;
  readonly pruned: Int32Array;
}

/** Pruners keep filters in order, so that one with equal rows stands between the same neighbours as before. */
export function windowsOf({ dense, pruned }: RowMatches): Windows {
  const sizes = new Int32Array(dense.length);
  for (const name of dense) sizes[name]!++;
  const isSure = (name: number): boolean => name >= 0 && sizes[name] === 1;
  const sure = pruned.filter(isSure);
  const isOrdered = sure.every((row, k) => k === 0 || row > sure[k - 1]!);
  const windows = { dense: new Int32Array(dense.length), pruned: new Int32Array(pruned.length) };
  if (!isOrdered) return windows;
  let next = 0;
  for (let p = 0; p < pruned.length; p++) windows.pruned[p] = isSure(pruned[p]!) ? ++next : next;
  next = 0;
  for (let row = 0; row < dense.length; row++) {
    if (sure[next] === row) next++;
    windows.dense[row] = next;
  }
  return windows;
}
