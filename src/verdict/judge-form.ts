import type { LayerExpectation } from '../dialects/index.ts';
import type { MaskedPart } from '../network/index.ts';
import { filterWords } from '../prose/index.ts';
import type { LayerRecovery } from '../recovery/index.ts';

/** What is wrong with the form of a layer. */
export interface FormProblem {
  readonly reason: string;
  /** After the layer's name. */
  readonly problem: string;
  /** The key of the spec that says otherwise; null in a dialect that has none. */
  readonly specKey: string | null;
}

/** What is wrong with a layer whose filters are masked instead of cut: the commonest misunderstanding of pruning. */
export const ZEROED = 'is zeroed, not pruned';

/**
 * Filters that are zeroed where they should be removed, or the other way round; null where they are gone as the spec says.
 * @param filters of the dense layer
 */
export function formProblem(
  { form, expected }: LayerExpectation,
  { zeroed, order }: LayerRecovery,
  filters: number,
): FormProblem | null {
  const zeroes = form?.zeroes ?? null;
  if (zeroes === null) {
    if (zeroed === undefined) return null;
    const reason = `its filters ${filterWords(zeroed.filters)} hold zeros and are still there: nothing is removed, so the file does not shrink`;
    return { reason, problem: ZEROED, specKey: form === undefined ? null : 'form' };
  }
  if (order !== null && order.length < filters && (expected === null || expected.length < filters)) {
    const reason = `it has ${order.length} of ${filters} filters, where the spec has them zeroed and leaves all shapes as they are`;
    return { reason, problem: 'has filters removed, not zeroed', specKey: 'form' };
  }
  if (zeroed === undefined || zeroed.parts.length === 0 || zeroed.parts.some((parts) => isSame(parts, zeroes)))
    return null;
  const reason = `its zeros stand in ${partWords(zeroed.parts[0]!)}, and the spec has them in ${partWords(zeroes)}`;
  return { reason, problem: 'has its zeros in other tensors than the spec says', specKey: 'zeroes' };
}

/** Filters in an order that the spec does not allow; null where it does, or names none. */
export function orderProblem({ form }: LayerExpectation, { order }: LayerRecovery): FormProblem | null {
  const isInOrder = form?.isInOrder;
  if (isInOrder == null || order === null || isInOrder(order)) return null;
  const shown = `${order.slice(0, 12).join(', ')}${order.length > 12 ? ', ...' : ''}`;
  return {
    reason: `its filters stand in the order ${shown}, which is not that of their importance`,
    problem: 'keeps the right filters in another order',
    specKey: 'order',
  };
}

/** What a reader should know of a layer whose filters were moved as the spec allows; empty for any other. */
export function orderWords({ form }: LayerExpectation, { isPermuted }: LayerRecovery): readonly string[] {
  if (!isPermuted || form?.isInOrder === undefined) return [];
  return [form.isInOrder === null ? 'they stand in another order than before' : 'they stand in order of importance'];
}

function isSame(a: readonly MaskedPart[], b: readonly MaskedPart[]): boolean {
  return a.length === b.length && a.every((part) => b.includes(part));
}

function partWords(parts: readonly MaskedPart[]): string {
  const names = { weight: 'the weight', bias: 'the bias', bn: "BatchNorm's gamma and beta" };
  return parts.map((part) => names[part]).join(' and ');
}
