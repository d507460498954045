import type { OnnxNode } from '../../onnx/index.ts';
import { MAX_POSITIONS } from '../channels.ts';
import type { Origin } from '../drafts.ts';
import type { TensorView } from '../tensor-view.ts';
import type { Follower, FollowerRole } from '../types.ts';
import type { Walk } from '../walk.ts';

/** A constant operand whose elements along one axis follow channels. */
export interface Following {
  readonly input: number;
  readonly view: TensorView;
  readonly axis: number;
  /** Channel of each position along the axis. */
  readonly ids: Int32Array;
  readonly role: FollowerRole;
  readonly isComputed: boolean;
}

/**
 * Records a constant that follows channels: a vector, or a grid that holds one vector behind another, as the embeddings of
 * positions and class tokens of a transformer.
 * @returns whether it could be placed
 */
export function follow(walk: Walk, node: OnnxNode, from: Origin, following: Following): boolean {
  const { input, view, axis, ids, role, isComputed } = following;
  const stride = view.strides[axis]!;
  const elements = elementsOf(view, axis, ids);
  if (elements === null || (elements.channels !== ids && !walk.channels.afford(elements.channels.length))) return false;
  walk.sites.push({ kind: 'vector', node, input, view, axis, channels: ids });
  // One number for all channels follows none of them.
  if (stride === 0) return true;
  walk.followers.push({ layer: from.layer.name, role, tensor: view.tensor, isComputed, ...elements });
  return true;
}

/** The channel of each stored element; null where the view leaves some out, or there are too many. */
function elementsOf(
  { tensor, dims, strides }: TensorView,
  axis: number,
  ids: Int32Array,
): Pick<Follower, 'stride' | 'channels'> | null {
  const stride = strides[axis]!;
  const isVector = dims.every((size, k) => k === axis || size === 1 || strides[k] === 0);
  if (isVector || stride === 0) return { stride, channels: ids };
  const isWhole = dims.reduce((n, size) => n * size, 1) === tensor.elements && !strides.includes(0);
  if (!isWhole || tensor.elements > MAX_POSITIONS) return null;
  const channels = Int32Array.from({ length: tensor.elements }, (_, at) => ids[Math.floor(at / stride) % ids.length]!);
  return { stride: 1, channels };
}
