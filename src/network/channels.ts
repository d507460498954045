import { rowMajorStrides, stridedOffsets } from './strided.ts';

/** A dimension's size, or null where it is symbolic or cannot be inferred. */
export type Dim = number | null;

export function isKnown(sizes: readonly Dim[]): sizes is readonly number[] {
  return !sizes.includes(null);
}

/** A channel that belongs to no prunable layer (a graph input's, a constant's). */
export const FIXED_CHANNEL = -1;

/** Whose channels a list has, each once, in the order of the list. @param ownerOf by channel id */
export function ownersAmong(ownerOf: ArrayLike<number>, ids: ArrayLike<number>): readonly number[] {
  const owners = new Set<number>();
  let last = FIXED_CHANNEL;
  for (let at = 0; at < ids.length; at++) {
    const id = ids[at]!;
    const owner = id === FIXED_CHANNEL ? last : ownerOf[id]!;
    if (owner !== last) owners.add(owner);
    last = owner;
  }
  return [...owners];
}

/**
 * Positions that one tensor's channels are followed over. Flattening 64 channels of 224 x 224 takes 3.2 million; a few bytes
 * of a hostile file can ask for 2^53 (CWE-789).
 */
export const MAX_POSITIONS = 2 ** 22;

/**
 * Which channel each position of a tensor carries. `axes` are the tensor's axes along which channels vary (one for an
 * ordinary feature map, several between the reshapes of a channel shuffle), ascending; `ids` holds the network-wide
 * channel id of each position, row-major over those axes. Concat, flatten, slices and shuffles are all index arithmetic
 * on `ids`, so whoever reads the network never looks at an ONNX operator again. A single id is carried by every position,
 * wherever its axis is: reshapes move an axis of size one freely, and broadcasting repeats it.
 */
export interface ChannelMap {
  readonly shape: readonly Dim[];
  readonly axes: readonly number[];
  readonly ids: Int32Array;
}

/** The channel map of an ordinary feature map: channels along one axis. */
export function alongAxis(shape: readonly Dim[], axis: number, ids: Int32Array): ChannelMap {
  return { shape, axes: [axis], ids };
}

/** The ids of a map whose channels lie along exactly `axis`, else null. */
export function idsAlong(map: ChannelMap, axis: number): Int32Array | null {
  const size = map.shape[axis];
  if (isUniform(map) && size !== 1 && typeof size === 'number') return filled(size, map.ids[0]!);
  if (isUniform(map) && size === 1) return map.ids;
  return map.axes.length === 1 && map.axes[0] === axis ? map.ids : null;
}

/** Whether one channel is all that a tensor carries, so that it has no axis of its own. */
export function isUniform(map: ChannelMap): boolean {
  return map.ids.length === 1;
}

/** `size` times the same channel; null where there are too many to follow. */
export function filled(size: number, id: number): Int32Array | null {
  return size >= 0 && size <= MAX_POSITIONS ? new Int32Array(size).fill(id) : null;
}

/** A map of one channel under another shape; its axis is nominal, one of size one where there is such. */
export function uniformMap(map: ChannelMap, shape: readonly Dim[]): ChannelMap {
  const single = shape.findLastIndex((size, axis) => axis > 0 && size === 1);
  return { shape, axes: [single < 0 ? shape.length - 1 : single], ids: map.ids };
}

/** Transpose (ai.onnx): axis `i` of the result is axis `perm[i]` of the operand. */
export function transposeMap(map: ChannelMap, perm: readonly number[]): ChannelMap {
  const shape = perm.map((axis) => map.shape[axis] ?? null);
  const order = perm.filter((axis) => map.axes.includes(axis));
  const axes = order.map((axis) => perm.indexOf(axis));
  const sizes = sizesOf(map);
  const strides = rowMajorStrides(sizes);
  const picked = order.map((axis) => map.axes.indexOf(axis));
  const ids = gatherStrided(
    map.ids,
    picked.map((i) => sizes[i]!),
    picked.map((i) => strides[i]!),
  );
  return { shape, axes, ids };
}

/**
 * Reshape (ai.onnx) to a resolved target shape. Dimensions are split into blocks of equal product on both sides; blocks
 * that hold channel axes are expanded to all their axes and cut anew. Null where a symbolic dimension makes the blocks
 * undecidable, or there are too many positions to follow.
 */
export function reshapeMap(map: ChannelMap, target: readonly Dim[]): ChannelMap | null {
  if (isUniform(map) && target.length > 0) return uniformMap(map, target);
  const blocks = matchBlocks(map.shape, target);
  if (blocks === null) return null;
  const touched = blocks.filter((block) => block.from.some((axis) => map.axes.includes(axis)));
  const fromAxes = touched.flatMap((block) => block.from);
  const toAxes = touched.flatMap((block) => block.to);
  const fromSizes = fromAxes.map((axis) => map.shape[axis] ?? null);
  const ids = toAxes.length === 0 ? null : expandOver(map, fromAxes, fromSizes);
  return ids === null ? null : dropUniformAxes({ shape: target, axes: toAxes, ids });
}

/** Some positions of one axis: all that a Slice, a Split or a Gather leaves of a tensor. An axis of one position is nobody's. */
export function pickMap(map: ChannelMap, axis: number, positions: readonly number[]): ChannelMap {
  const shape = map.shape.with(axis, positions.length);
  const at = map.axes.indexOf(axis);
  if (at < 0 || isUniform(map)) return { ...map, shape };
  const { outer, size, inner } = linesOf(map, at);
  const ids = new Int32Array(outer * positions.length * inner);
  for (let row = 0; row < outer; row++)
    for (let k = 0; k < positions.length; k++) {
      const start = (row * size + positions[k]!) * inner;
      ids.set(map.ids.subarray(start, start + inner), (row * positions.length + k) * inner);
    }
  return dropUniformAxes({ shape, axes: map.axes, ids });
}

/** A map under as many axes as a result has that it is broadcast to: those that it lacks come first, of one position each. */
export function alignedMap(map: ChannelMap, rank: number): ChannelMap {
  const missing = rank - map.shape.length;
  const ones = new Array<number>(missing).fill(1);
  return { shape: [...ones, ...map.shape], axes: map.axes.map((axis) => axis + missing), ids: map.ids };
}

/** A map without an axis along which no channels lie. */
export function withoutAxis(map: ChannelMap, axis: number): ChannelMap {
  const axes = map.axes.map((at) => (at > axis ? at - 1 : at));
  return { shape: map.shape.toSpliced(axis, 1), axes, ids: map.ids };
}

/** The channels of each position of an axis, as many for each of them. */
export interface Lines {
  readonly channels: Int32Array;
  readonly perPosition: number;
}

/** What each position along one axis of a map carries. */
export function channelsAt(map: ChannelMap, axis: number): Lines {
  const at = map.axes.indexOf(axis);
  if (at < 0 || map.axes.length === 1) return { channels: map.ids, perPosition: 1 };
  const { outer, size, inner } = linesOf(map, at);
  const channels = new Int32Array(map.ids.length);
  let next = 0;
  for (let position = 0; position < size; position++)
    for (let row = 0; row < outer; row++)
      for (let k = 0; k < inner; k++) channels[next++] = map.ids[(row * size + position) * inner + k]!;
  return { channels, perPosition: outer * inner };
}

function linesOf(
  map: ChannelMap,
  at: number,
): { readonly outer: number; readonly size: number; readonly inner: number } {
  const sizes = sizesOf(map);
  const product = (from: number, to: number): number => sizes.slice(from, to).reduce((n, size) => n * size, 1);
  return { outer: product(0, at), size: sizes[at]!, inner: product(at + 1, sizes.length) };
}

interface Block {
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/** Splits two shapes of equal element count into the smallest runs of axes with equal products. */
function matchBlocks(from: readonly Dim[], to: readonly Dim[]): Block[] | null {
  const blocks: Block[] = [];
  let i = 0;
  let j = 0;
  while (i < from.length && j < to.length) {
    let a = from[i]!;
    let b = to[j]!;
    const startA = i++;
    const startB = j++;
    if (a === null || b === null) {
      // A symbolic dimension (the batch) can only stand opposite another one.
      if (a !== b) return null;
      blocks.push({ from: [startA], to: [startB] });
      continue;
    }
    while (a !== b) {
      if (a < b) {
        const next: Dim | undefined = from[i++];
        if (next === null || next === undefined) return null;
        a *= next;
      } else {
        const next: Dim | undefined = to[j++];
        if (next === null || next === undefined) return null;
        b *= next;
      }
    }
    blocks.push({ from: range(startA, i), to: range(startB, j) });
  }
  // What is left on either side can only be ones; they join the last block.
  const restFrom = range(i, from.length);
  const restTo = range(j, to.length);
  if (restFrom.some((axis) => from[axis] !== 1) || restTo.some((axis) => to[axis] !== 1)) return null;
  const last = blocks.pop();
  if (last === undefined) return null;
  blocks.push({ from: [...last.from, ...restFrom], to: [...last.to, ...restTo] });
  return blocks;
}

/** Drops axes along which the ids do not vary, so that `[N, C, H*W]` is known by its channel axis alone. */
function dropUniformAxes(map: ChannelMap): ChannelMap {
  let { axes, ids } = map;
  for (let k = axes.length - 1; k >= 0 && axes.length > 1; k--) {
    const sizes = axes.map((axis) => map.shape[axis] ?? 1);
    const strides = rowMajorStrides(sizes);
    const size = sizes[k]!;
    const stride = strides[k]!;
    if (!isConstantAlong(ids, size, stride)) continue;
    const kept = axes.map((_, n) => n).filter((n) => n !== k);
    ids = gatherStrided(
      ids,
      kept.map((n) => sizes[n]!),
      kept.map((n) => strides[n]!),
    );
    axes = kept.map((n) => axes[n]!);
  }
  return { shape: map.shape, axes, ids };
}

function isConstantAlong(ids: Int32Array, size: number, stride: number): boolean {
  if (size === 1) return true;
  const block = size * stride;
  for (let start = 0; start < ids.length; start += block) {
    for (let k = stride; k < block; k++) if (ids[start + k] !== ids[start + (k % stride)]) return false;
  }
  return true;
}

/** A map under the sizes of what it is broadcast to, with these axes among its own (ascending): each position along one that it lacks carries the same. */
export function broadcastMap(map: ChannelMap, shape: readonly Dim[], axes: readonly number[]): ChannelMap | null {
  const sizes = axes.map((axis) => (map.axes.includes(axis) ? map.shape[axis] : shape[axis]) ?? null);
  const ids = expandOver(map, axes, sizes);
  const after = map.shape.map((size, axis) => (axes.includes(axis) ? sizes[axes.indexOf(axis)]! : size));
  return ids === null ? null : { shape: after, axes, ids };
}

/**
 * The ids over a superset of the map's axes (ascending), repeated along the added ones. Null where a size is not known, or there are
 * too many positions to follow.
 */
function expandOver(map: ChannelMap, axes: readonly number[], sizes: readonly Dim[]): Int32Array | null {
  if (!isKnown(sizes) || sizes.reduce((n, size) => n * size, 1) > MAX_POSITIONS) return null;
  const own = rowMajorStrides(sizesOf(map));
  const strides = axes.map((axis) => {
    const at = map.axes.indexOf(axis);
    return at < 0 ? 0 : own[at]!;
  });
  return gatherStrided(map.ids, sizes, strides);
}

function gatherStrided(source: Int32Array, sizes: readonly number[], strides: readonly number[]): Int32Array {
  return stridedOffsets(sizes, strides).map((offset) => source[offset]!);
}

function sizesOf(map: ChannelMap): number[] {
  // Along a channel axis the size is always known: it is the number of ids.
  if (map.axes.length === 1) return [map.ids.length];
  return map.axes.map((axis) => map.shape[axis] ?? 1);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, k) => from + k);
}
