import { bareConstants, type Network } from '../network/index.ts';
import { narrowerOf, type Tensor, toFloat64, unitOf } from '../onnx/index.ts';

/**
 * Names of constants that follow no channels and hold other values than in the dense model: tables of relative positions, masks. Of those
 * that both models name alike by the modules that own them; names that exporters make up mean nothing.
 */
export function changedConstants(dense: Network, pruned: Network): readonly string[] {
  const before = new Map(bareConstants(dense).map(({ name, tensor }) => [name, tensor]));
  const changed = new Set<string>();
  for (const { name, tensor } of bareConstants(pruned)) {
    const own = OWNED.test(name) ? before.get(name) : undefined;
    // One of another size is narrowed, and what that means is for the layers around to tell.
    const dtype = own === undefined ? null : narrowerOf(own.dtype, tensor.dtype);
    if (own === undefined || dtype === null || own.dims.join() !== tensor.dims.join()) continue;
    if (isOther(own, tensor, OTHER_VALUE + 2 * unitOf(dtype))) changed.add(name);
  }
  return [...changed];
}

/** `blocks.0.attn.relative_position_bias_table` */
const OWNED = /^[A-Za-z_]\w*(?:\.\w+)+$/;

/** Relative difference that tells two constants apart: what exporters compute varies by less. */
const OTHER_VALUE = 1e-3;

function isOther(before: Tensor, after: Tensor, least: number): boolean {
  const a = toFloat64(before.read()).slice();
  const b = toFloat64(after.read());
  const most = a.reduce((size, value) => (Number.isFinite(value) ? Math.max(size, Math.abs(value)) : size), 0);
  return a.some(
    (value, k) => !(value === b[k] || Math.abs(value - b[k]!) <= least * Math.max(Math.abs(value), 1e-3 * most)),
  );
}
