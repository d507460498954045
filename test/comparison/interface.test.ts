import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { interfaceDifferences } from '../../src/comparison/index.ts';
import { readNetwork } from '../../src/network/index.ts';
import { memoryModel, readModel } from '../../src/onnx/index.ts';
import { ModelProtoSchema } from '../onnx/onnx_pb.generated.js';
import { convs, inMemory, rows } from '../support/convs.ts';
import { CONVERTERS, convertGraph } from '../support/narrow-model.ts';
import { modelBytes } from '../support/onnx-builder.ts';

type Exporter = 'torchscript' | 'dynamo' | 'tf2onnx';

const FLOAT16 = 10;

/** A model whose input has a type of its own, its weights in float32 or in float16. */
function typed(elemType: number, isHalf: boolean, size = 4) {
  const graph = convs([{ name: 'a', from: 'x', kernel: rows(2, 2, 1) }], { inputs: { x: [1, 2, size, 4] } });
  const proto = fromBinary(ModelProtoSchema, modelBytes(graph));
  if (isHalf) convertGraph(proto.graph!, CONVERTERS.half);
  const { value } = proto.graph!.input[0]!.type!;
  if (value.case === 'tensorType') value.value.elemType = elemType;
  return readNetwork(readModel(memoryModel('model.onnx', toBinary(ModelProtoSchema, proto))));
}

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

describe('the type of an input', () => {
  it('may be the one to which the weights were converted', () => {
    expect(interfaceDifferences(typed(1, false), typed(FLOAT16, true))).toEqual([
      { title: 'its input x is float16 instead of float32', isSure: true, isConverted: true },
    ]);
    expect(interfaceDifferences(typed(FLOAT16, true), typed(1, false))).toMatchObject([{ isConverted: true }]);
    expect(interfaceDifferences(typed(1, false), typed(1, true))).toEqual([]);
  });

  it('is another interface where the weights have no such type, and so is another size', () => {
    const found = (pruned: ReturnType<typeof typed>) => interfaceDifferences(typed(1, false), pruned);
    expect(found(typed(FLOAT16, false))).toEqual([
      { title: 'its input x is float16 instead of float32', isSure: true },
    ]);
    expect(found(typed(11, true))).toEqual([{ title: 'its input x is float64 instead of float32', isSure: true }]);
    expect(found(typed(FLOAT16, true, 5))).toEqual([
      { title: 'its input x is 1 x 2 x 5 x 4 instead of 1 x 2 x 4 x 4', isSure: true },
    ]);
  });
});
