import { expect, it } from 'vitest';
import { networkOf, op, zeros } from '../../support/onnx-builder.ts';

/** Two convolutions in a row that read kernels of these names. */
function layersOf(first: readonly [string, string], second: readonly [string, string]): string[] {
  const kernels = Object.fromEntries([first, second].map(([, kernel]) => [kernel, zeros([3, 3, 1, 1])]));
  const network = networkOf({
    inputs: { x: ['N', 3, 8, 8] },
    outputs: ['y'],
    producer: 'tf2onnx',
    weights: kernels,
    nodes: [
      op('Conv', ['x', first[1]], 'a', { name: `${first[0]}/convolution` }),
      op('Conv', ['a', second[1]], 'y', { name: `${second[0]}/convolution` }),
    ],
  });
  return [...network.prunable.keys()];
}

it('calls of one layer are one where tf2onnx made a constant of the kernel, and its name is lost', () => {
  const kernel = 'const_fold_opt__1137';
  expect(layersOf(['shared', kernel], ['shared_1', kernel])).toEqual(['shared']);
  expect(layersOf(['shared_1', kernel], ['shared', kernel])).toEqual(['shared']);
  expect(layersOf(['conv_1', kernel], ['conv_2', kernel])).toEqual(['conv_1', 'conv_2']);
  expect(layersOf(['shared', kernel], ['shared_1', 'const_fold_opt__2'])).toEqual(['shared', 'shared_1']);
});

it('layers keep their names where the nodes of a tf2onnx model have lost theirs', () => {
  const tensor = (path: string): string => `StatefulPartitionedCall/net/${path}:0`;
  const network = networkOf({
    inputs: { x: ['N', 3, 8, 8] },
    outputs: ['y'],
    producer: 'tf2onnx',
    weights: { [tensor('a/Conv2D/ReadVariableOp')]: zeros([3, 3, 1, 1]), const_fold_opt__7: zeros([3, 1, 1, 1]) },
    nodes: [
      op('Conv', ['x', tensor('a/Conv2D/ReadVariableOp')], tensor('bn_a/FusedBatchNormV3'), { name: '' }),
      op('Relu', [tensor('bn_a/FusedBatchNormV3')], tensor('relu/Relu'), { name: '' }),
      op('Conv', [tensor('relu/Relu'), 'const_fold_opt__7'], tensor('dw/depthwise'), { name: '', group: 3 }),
      op('Identity', [tensor('dw/depthwise')], 'y', { name: '' }),
    ],
  });
  expect([...network.prunable.keys()]).toEqual(['a', 'dw']);
});
