import { equalRows } from './assign.ts';
import { matchByFactor } from './by-factor.ts';
import { rowsByContents } from './contained.ts';
import { type PlacePair, rowsByFollowers } from './evidence.ts';
import { type Kernel, type Kernels, rowGroups, transposed } from './kernel.ts';
import { lookUpByValue } from './lookup.ts';
import { areRounded } from './rounded.ts';
import { matchRows } from './rows.ts';

/** Dense columns that a kernel kept, recognized by its own values alone, or by its rows once bias and BatchNorm have placed those. */
export function columnsByValue(both: Kernels, pair: PlacePair): Int32Array | null {
  const found = lookUpByValue(both.dense, both.pruned);
  if (found !== null && !found.rows.includes(-1) && !found.columns.includes(-1)) return found.columns;
  const rows = rowsByContents(both.dense, both.pruned) ?? rowsByFollowers(pair);
  if (rows === null || both.dense.groups !== 1 || both.pruned.groups !== 1) return null;
  const turned = { dense: transposed(both.dense), pruned: transposed(both.pruned) };
  const groups = rowGroups(turned.dense, turned.pruned, rows, null)!;
  const matches = matchRows(turned.dense, turned.pruned, groups);
  if (pair.mayRound) matchByFactor(turned.dense, turned.pruned, groups, matches, areRounded);
  const isSure = !matches.pruned.includes(-1) && equalRows(matches).length === 0;
  return isSure ? matches.pruned : null;
}

/** The same of kernels that two programs folded, by their values without the last digits. Leaves the kernels without them, too. */
export function columnsToRounding(both: Kernels): Int32Array | null {
  if (!shorten(both.dense.bits) || !shorten(both.pruned.bits)) return null;
  const columns = lookUpByValue(both.dense, both.pruned)?.columns ?? null;
  return columns?.includes(-1) ? null : columns;
}

/** Digits that folding may leave another, and some: of few values they are the ones that make the next digit another. */
const ROUNDED_BITS = 6;

function shorten(bits: Kernel['bits']): boolean {
  if (!(bits instanceof Uint32Array)) return false;
  for (let k = 0; k < bits.length; k++) bits[k] = (bits[k]! + 2 ** (ROUNDED_BITS - 1)) >>> ROUNDED_BITS;
  return true;
}
