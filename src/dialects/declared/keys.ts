import type { MaskedPart } from '../../network/index.ts';

export type ValueName = 'l1' | 'l2' | 'l2sq' | 'mean-abs' | 'bn-gamma' | 'fpgm' | 'file';
export type Rounding = 'remove-floor' | 'remove-nearest' | 'remove-ceil' | 'keep-floor' | 'keep-nearest' | 'keep-ceil';
/** Groups by how many layers they have, in the order in which a pruner that cuts as it goes takes them. */
export type GroupKind = 'linear' | 'alone' | 'coupled';

export interface ImportanceKeys {
  readonly value: ValueName;
  readonly axis: 'out' | 'in';
  readonly normalize: 'none' | 'max' | 'sum' | 'mean' | 'l2' | 'tensor-l2';
  readonly folded: boolean;
  readonly file: string | null;
}

export interface GroupKeys {
  readonly coupled: 'together' | 'alone' | 'whole';
  readonly score: 'sum' | 'mean' | 'rss' | 'max' | 'min' | 'first' | 'or' | 'and';
  readonly depthwise: 'ignored' | 'scored';
  readonly weights: 'dense' | 'cut';
  readonly order: readonly GroupKind[] | null;
}

export interface KeepKeys {
  readonly rule: 'ratio' | 'remove' | 'keep' | 'threshold' | 'rank-threshold' | 'as-pruned';
  readonly amount: number;
  readonly rounding: Rounding;
  readonly compare: '>' | '>=';
  readonly ties: 'cut' | 'stay';
  readonly multiple: { readonly of: number; readonly to: 'up' | 'down' | 'nearest' };
  /** A number of filters, or a share like `20%`. */
  readonly min: number | string;
  readonly blocks: number | 'auto';
  readonly pool: 'pruned' | 'all';
}

/** What becomes of a layer beside its retained filters. */
export interface FormKeys {
  readonly form: 'removed' | 'zeroed';
  /** Which tensors of a layer hold the zeros of a mask. */
  readonly zeroes: readonly MaskedPart[];
  readonly compensation: 'none' | 'bias';
}

export interface DeclaredKeys extends FormKeys {
  readonly preset: string | null;
  readonly importance: ImportanceKeys;
  readonly group: GroupKeys;
  readonly keep: KeepKeys;
  readonly statistics: 'dense' | 'any';
  readonly order: 'ascending' | 'importance' | 'any';
  readonly exclude: readonly string[];
  readonly layers: Readonly<Record<string, LayerKeys>>;
}

export interface LayerKeys extends Partial<FormKeys> {
  readonly keep?: DeepPartial<KeepKeys>;
}

/** Keys as a file gives them, some or all. */
export type DeepPartial<T> = {
  readonly [K in keyof T]?: T[K] extends readonly unknown[] ? T[K] : T[K] extends object ? DeepPartial<T[K]> : T[K];
};
