import type { OnnxNode } from '../../onnx/index.ts';
import { alignedMap, broadcastMap, type ChannelMap, type Dim, FIXED_CHANNEL, isUniform } from '../channels.ts';
import type { Signal, Value } from '../drafts.ts';
import { input, setOpaque, setOutput, shapeOf, type Walk } from '../walk.ts';

/**
 * MatMul of two tensors that are both computed, as queries with keys and attention with values. Axes but the last two are a
 * batch. Channels along the axis that is summed over meet position by position, so they are tied and end here; those along other axes
 * go on, where one operand alone has any.
 */
export function carryProduct(walk: Walk, node: OnnxNode): void {
  const [a, b] = [input(walk, node, 0) as Signal, input(walk, node, 1) as Signal];
  const shape = productShape(shapeOf(a), shapeOf(b));
  if (shape === null || a.kind === 'opaque' || b.kind === 'opaque') return setOpaque(walk, node, node.opType, shape);
  const from = walk.drafts.place(node, 'opaque', walk.values);
  const [left, right] = overAllHeads([mapOf(a, shape.length), mapOf(b, shape.length)], shape);
  const outcome = productMap(left, right, shape);
  if (outcome === null) return setOutput(walk, node, { kind: 'opaque', op: node.opType, shape, from });
  const { map, tied } = outcome;
  const operands = [left, right].filter((operand) => operand !== null);
  if (operands.length > 0) walk.sites.push({ kind: 'heads', node, operands });
  const lead = left ?? right;
  const isOfAllHeads = map?.shape.some((size, axis) => size !== 1 && lead?.shape[axis] === 1) ?? false;
  if (map !== null && (isOfAllHeads || hasRepeats(map.ids))) for (const id of map.ids) walk.shared.add(id);
  if (tied !== null) walk.couplings.push({ layer: from.layer.name, op: node.opType, operands: tied });
  setOutput(walk, node, map === null ? { kind: 'fixed', shape, from } : { kind: 'channels', map, from });
}

function productShape(a: readonly Dim[] | null, b: readonly Dim[] | null): readonly Dim[] | null {
  if (a === null || b === null || a.length < 2 || b.length < 2) return null;
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis): Dim => {
    if (axis === rank - 2) return a.at(-2)!;
    if (axis === rank - 1) return b.at(-1)!;
    const sizes = [a, b].map((shape) => {
      const at = axis - rank + shape.length;
      return at < 0 ? 1 : shape[at]!;
    });
    const [own, other] = sizes as [Dim, Dim];
    return own === 1 ? other : other === 1 ? own : (own ?? other);
  });
}

/** An operand's channels, under as many axes as the product has; null where it carries none. */
function mapOf(value: Exclude<Value, { kind: 'opaque' | 'constant' }>, rank: number): ChannelMap | null {
  return value.kind === 'channels' ? alignedMap(value.map, rank) : null;
}

/** Queries by heads and the keys of one head that all of them share meet as if each head had these of its own. */
function overAllHeads(
  [a, b]: readonly [ChannelMap | null, ChannelMap | null],
  shape: readonly Dim[],
): readonly [ChannelMap | null, ChannelMap | null] {
  const [row, column] = [shape.length - 2, shape.length - 1];
  if (a === null || b === null || !isAlong(a, column) || !isAlong(b, row) || isUniform(a) || isUniform(b))
    return [a, b];
  if (a.axes.slice(0, -1).join() === b.axes.slice(0, -1).join()) return [a, b];
  const heads = [...new Set([...a.axes, ...b.axes])].filter((axis) => axis < row).sort((x, y) => x - y);
  const [left, right] = [broadcastMap(a, shape, [...heads, column]), broadcastMap(b, shape, [...heads, row])];
  return left === null || right === null ? [a, b] : [left, right];
}

interface Product {
  /** Null where no channels go on. */
  readonly map: ChannelMap | null;
  /** Channels that meet in the sum. */
  readonly tied: readonly Int32Array[] | null;
}

/** Null where it cannot be said in channels. */
function productMap(a: ChannelMap | null, b: ChannelMap | null, shape: readonly Dim[]): Product | null {
  const [row, column] = [shape.length - 2, shape.length - 1];
  const [isSummedA, isSummedB] = [isAlong(a, column), isAlong(b, row)];
  if (isSummedA !== isSummedB) return null;
  if (isSummedA) {
    // What remains hangs on the heads, of which each is several channels.
    const isSame = a!.axes.slice(0, -1).join() === b!.axes.slice(0, -1).join() && a!.ids.length === b!.ids.length;
    const isAlone = !isAlong(a, row) && !isAlong(b, column);
    if (!isSame || !isAlone) return null;
    // Of heads that several share, whole ones may go of those alone.
    const isShared = hasRepeats(a!.ids) || hasRepeats(b!.ids);
    return { map: null, tied: isShared ? null : [a!.ids, b!.ids] };
  }
  if (a === null && b === null) return { map: null, tied: null };
  const [lead, other] = a === null ? [b!, a] : [a, b];
  // Of two operands with channels, no position has one of its own.
  if (other !== null || isUniform(lead)) return null;
  if (lead.axes.some((axis) => shape[axis] !== lead.shape[axis])) return null;
  return { map: { shape, axes: lead.axes, ids: lead.ids }, tied: null };
}

function isAlong(map: ChannelMap | null, axis: number): boolean {
  return map?.axes.includes(axis) ?? false;
}

function hasRepeats(ids: Int32Array): boolean {
  const seen = new Set<number>();
  return ids.some((id) => {
    if (id === FIXED_CHANNEL || seen.has(id)) return true;
    seen.add(id);
    return false;
  });
}
