import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { moreOutputs } from '../../src/onnx/index.ts';
import { ModelProtoSchema } from './onnx_pb.generated.js';
import { bytesOf, modelWith, temporaryDirectory, withModel } from './support.ts';

it('makes tensors outputs by bytes behind the model, each once, and leaves all else as it is', () => {
  const bytes = modelWith({ name: 'w', dims: [1n], dataType: 1, floatData: [2] });
  withModel(join(temporaryDirectory(), 'm.onnx'), bytes, ({ model }) => {
    const before = fromBinary(ModelProtoSchema, bytes);
    const after = fromBinary(ModelProtoSchema, bytesOf(bytes, moreOutputs(model, ['y', 'w', 'y'])));
    const known = before.graph!.output.map(({ name }) => name);
    expect(after.graph!.output.map(({ name }) => name)).toEqual([
      ...known,
      ...['y', 'w'].filter((name) => !known.includes(name)),
    ]);
    expect({ ...after, graph: { ...after.graph!, output: [] } }).toEqual({
      ...before,
      graph: { ...before.graph!, output: [] },
    });
  });
});
