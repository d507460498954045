import { describe, expect, it } from 'vitest';
import { interfaceDifferences } from '../../src/comparison/index.ts';
import { convs, inMemory, rows } from '../support/convs.ts';

type Exporter = 'torchscript' | 'dynamo' | 'tf2onnx';

function model(input: string, exporter: Exporter) {
  const graph = convs([{ name: 'a', from: input, kernel: rows(2, 2, 1) }], {
    inputs: { [input]: [1, 2, 4, 4] },
    producer: exporter === 'tf2onnx' ? 'tf2onnx' : 'pytorch',
  });
  const named = graph.nodes.map((node) => ({ ...node, name: exporter === 'dynamo' ? 'node_conv2d' : '/a/Conv' }));
  return inMemory({ ...graph, nodes: named });
}

describe('the name of an input', () => {
  it.each([
    ['input.1', 'input.3', 'torchscript', 'torchscript'],
    ['input.1', 'x', 'torchscript', 'dynamo'],
    ['input', 'x', 'torchscript', 'dynamo'],
    ['x', 'onnx::Conv_0', 'dynamo', 'torchscript'],
    ['l_x_', 'input.1', 'dynamo', 'torchscript'],
    ['input_1', 'input_2', 'tf2onnx', 'tf2onnx'],
    ['input_1:0', 'serving_default_images:0', 'tf2onnx', 'tf2onnx'],
    ['images', 'input.1', 'torchscript', 'dynamo'],
  ] as const)('is no interface where exporters made it: %s, %s by %s, %s', (before, after, first, second) => {
    expect(interfaceDifferences(model(before, first), model(after, second))).toEqual([]);
  });

  it('is one where the user gave it, and may be one where that cannot be told', () => {
    const differences = (before: string, after: string) =>
      interfaceDifferences(model(before, 'torchscript'), model(after, 'torchscript'));
    expect(differences('images', 'pixels')).toEqual([{ title: 'its input images is called pixels', isSure: true }]);
    expect(differences('input.1', 'pixels')).toMatchObject([{ isSure: false }]);
    expect(differences('images', 'input.1')).toMatchObject([{ isSure: false }]);
    expect(differences('input', 'x')).toMatchObject([{ isSure: false }]);
  });
});
