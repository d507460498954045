import { describe, expect, it } from 'vitest';
import { exportUnfolded } from '../../src/network/index.ts';
import { networkOf, op, zeros } from '../support/onnx-builder.ts';

/** A convolution with a bias, its tensors named so, in a file of this producer. */
function advice(producer: string, weight: string, bias: string): string {
  return exportUnfolded(
    networkOf({
      inputs: { x: ['N', 3, 8, 8] },
      outputs: ['y'],
      producer,
      weights: { [weight]: zeros([4, 3, 1, 1]), [bias]: zeros([4]) },
      nodes: [op('Conv', ['x', weight, bias], 'y', { name: 'm/c/Conv2D' })],
    }),
  );
}

const TF2ONNX = /remove_back_to_back/;
const TF2ONNX_KERAS = /_mul_handler/;
const KERAS2ONNX = /ConvBatchNormOptimizer\.find/;
const TORCHSCRIPT = /dynamo=False, do_constant_folding=False/;
const DYNAMO = /dynamo=True, optimize=False/;

describe('how to export unfolded', () => {
  it.each([
    ['tf2onnx', 'm/c/Conv2D_weights_fused_bn', 'm/c/Conv2D_bias_fused_bn', [TF2ONNX]],
    ['onnx-graphsurgeon', 'm/c/Conv2D_weights_fused_bn', 'm/c/Conv2D_bias_fused_bn', [TF2ONNX]],
    // Plain Keras's BatchNormalization, which the other optimizer does not know.
    ['tf2onnx', 'c/kernel:0', 'c_bn/batchnorm/sub__31', [TF2ONNX_KERAS]],
    ['keras2onnx', 'c_W_new', 'c_B_new', [KERAS2ONNX]],
    ['onnx-graphsurgeon', 'c_W_new', 'c_B_new', [KERAS2ONNX]],
    ['pytorch', 'onnx::Conv_11', 'onnx::Conv_12', [TORCHSCRIPT]],
    ['pytorch', 'c.weight', 'c.weight_bias', [DYNAMO]],
    ['pytorch', 'a', 'b', [TORCHSCRIPT, DYNAMO]],
    ['', 'a', 'b', [TF2ONNX, TORCHSCRIPT, DYNAMO]],
  ])('is given for a file of %j with tensors %s and %s', (producer, weight, bias, ways) => {
    const told = advice(producer, weight, bias);
    for (const way of [TF2ONNX, TF2ONNX_KERAS, KERAS2ONNX, TORCHSCRIPT, DYNAMO])
      expect(way.test(told), `${way} in ${told}`).toBe(ways.includes(way));
  });
});
