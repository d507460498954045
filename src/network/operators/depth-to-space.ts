import type { Dim } from '../channels.ts';
import { idsAlong, reshapeMap, transposeMap } from '../channels.ts';
import { attribute, type Carry, input, intAttribute, isSignal, setOpaque, setOutput, shapeOf } from '../walk.ts';
import { withShape } from './carry.ts';
import { operation } from './form.ts';
import type { Operator } from './operator.ts';

/** Order of the axes [N, ?, ?, ?, H, W] behind the first reshape, by which a block's channels become positions (ai.onnx). */
const ORDERS: Readonly<Record<string, readonly number[]>> = { DCR: [0, 3, 4, 1, 5, 2], CRD: [0, 1, 4, 2, 5, 3] };

/**
 * DepthToSpace (ai.onnx), PyTorch's pixel shuffle: a reshape, a transpose and a reshape. Channels become positions, so that one
 * place along the channels may hold several of them.
 */
const depthToSpace: Carry = (walk, node) => {
  const value = input(walk, node, 0);
  const size = intAttribute(node, 'blocksize', 1);
  const mode = attribute(node, 'mode', 'string') ?? 'DCR';
  const order = ORDERS[mode];
  const [n = null, channels, height = null, width = null] = shapeOf(value) ?? [];
  if (!isSignal(value) || order === undefined || typeof channels !== 'number' || size < 1) return setOpaque(walk, node);
  const after = channels / size ** 2;
  if (!Number.isInteger(after)) return setOpaque(walk, node);
  const target = [n, after, scaled(height, size), scaled(width, size)];
  const from = walk.drafts.place(node, 'reshape', walk.values);
  if (value.kind !== 'channels') return setOutput(walk, node, withShape(value, target, from));
  const blocks = mode === 'DCR' ? [n, size, size, after, height, width] : [n, after, size, size, height, width];
  const spread = reshapeMap(value.map, blocks);
  const map = spread === null ? null : reshapeMap(transposeMap(spread, order), target);
  walk.sites.push({ kind: 'whole', node, op: node.opType, channels: value.map.ids });
  setOutput(
    walk,
    node,
    map === null ? { kind: 'opaque', op: node.opType, shape: target, from } : { kind: 'channels', map, from },
  );
};

/** SpaceToDepth (ai.onnx): each position of a block becomes a run of all channels. */
const spaceToDepth: Carry = (walk, node) => {
  const value = input(walk, node, 0);
  const size = intAttribute(node, 'blocksize', 1);
  const [n = null, channels, height = null, width = null] = shapeOf(value) ?? [];
  if (!isSignal(value) || typeof channels !== 'number' || size < 1) return setOpaque(walk, node);
  const part = (dim: Dim): Dim => (dim === null ? null : Math.floor(dim / size));
  const target = [n, channels * size ** 2, part(height), part(width)];
  const from = walk.drafts.place(node, 'reshape', walk.values);
  if (value.kind !== 'channels') return setOutput(walk, node, withShape(value, target, from));
  const ids = idsAlong(value.map, 1);
  if (ids === null) return setOutput(walk, node, { kind: 'opaque', op: node.opType, shape: target, from });
  const repeated = Int32Array.from({ length: ids.length * size ** 2 }, (_, k) => ids[k % ids.length]!);
  setOutput(walk, node, { kind: 'channels', map: { shape: target, axes: [1], ids: repeated }, from });
};

function scaled(dim: Dim, by: number): Dim {
  return dim === null ? null : dim * by;
}

export const SPACE: Readonly<Record<string, Operator>> = {
  DepthToSpace: {
    carry: depthToSpace,
    tells: 'same',
    form: ({ node }) =>
      operation('DepthToSpace', {
        blocksize: intAttribute(node, 'blocksize', 1),
        mode: attribute(node, 'mode', 'string') ?? 'DCR',
      }),
  },
  SpaceToDepth: {
    carry: spaceToDepth,
    tells: 'same',
    form: ({ node }) => operation('SpaceToDepth', { blocksize: intAttribute(node, 'blocksize', 1) }),
  },
};
