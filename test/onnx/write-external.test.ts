import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { openModel, writeModel } from '../../src/files/index.ts';
import { contentOf, type ModelEdits, modelBytes, toFloat32 } from '../../src/onnx/index.ts';
import { ModelProtoSchema } from './onnx_pb.generated.js';
import { refusal, temporaryDirectory, withModel } from './support.ts';

const folder = join(temporaryDirectory(), 'out');
const target = join(folder, 'copy.onnx');
const own = join(folder, '../external');
const source = join(own, 'model.onnx');
const encode = (init: MessageInitShape<typeof ModelProtoSchema>): Uint8Array =>
  toBinary(ModelProtoSchema, create(ModelProtoSchema, init));

describe('external data of a copy', () => {
  const values = Float32Array.from({ length: 3000 }, (_, k) => k);
  const external = (name: string, location: string, offset: number, count: number) => ({
    name,
    dims: [BigInt(count)],
    dataType: 1,
    dataLocation: 1,
    externalData: [
      { key: 'location', value: location },
      { key: 'offset', value: String(offset) },
      { key: 'length', value: String(4 * count) },
      { key: 'checksum', value: 'of another file' },
    ],
  });
  const nested = external('n', 'b.bin', 4, 1);
  const model = encode({
    irVersion: 8n,
    graph: {
      initializer: [
        external('a', 'a.bin', 0, 2000),
        { name: 'inline', dims: [1n], dataType: 1, floatData: [5] },
        external('b', 'b.bin', 0, 2),
        external('c', 'a.bin', 8000, 1000),
      ],
      node: [
        {
          opType: 'If',
          output: ['y'],
          attribute: [{ name: 'then_branch', type: 5, g: { initializer: [nested] } }],
        },
        { opType: 'Constant', output: ['k'], attribute: [{ name: 'value', type: 4, t: nested }] },
      ],
    },
  });

  const prepare = (): void => {
    rmSync(own, { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(own, { recursive: true });
    writeFileSync(join(own, 'a.bin'), values);
    writeFileSync(join(own, 'b.bin'), Float32Array.of(70, 71));
  };
  const edits: ModelEdits = {
    tensors: new Map([['a', contentOf([3], new Uint8Array(Float32Array.of(-1, -2, -3).buffer))]]),
  };
  const read = (at: string): readonly (readonly [string, string, number[]])[] => {
    const file = openModel(at);
    const found = [...file.model.graph.initializers.values()].map(
      (tensor) => [tensor.name, tensor.storage.kind, [...toFloat32(tensor.read())].slice(0, 4)] as const,
    );
    const branch = file.model.graph.nodes[0]!.attributes.get('then_branch');
    const inner = branch?.kind === 'graph' ? branch.value.initializers.get('n') : undefined;
    const constant = file.model.graph.nodes[1]!.attributes.get('value');
    if (inner === undefined || constant?.kind !== 'tensor') throw new Error('not there');
    for (const tensor of [inner, constant.value])
      found.push([tensor.name, tensor.storage.kind, [...toFloat32(tensor.read())]]);
    file.close();
    return found;
  };

  it('stays external in one new file, wherever its tensors are, and the old files are not touched', () => {
    prepare();
    const written = withModel(source, model, (file) => writeModel(file.model, edits, target));
    expect(written.data).toBe(`${target}.data`);
    expect(statSync(target).size + statSync(`${target}.data`).size).toBe(written.bytes);
    expect(read(target)).toEqual([
      ['a', 'external', [-1, -2, -3]],
      ['inline', 'typed', [5]],
      ['b', 'external', [70, 71]],
      ['c', 'external', [2000, 2001, 2002, 2003]],
      ['n', 'external', [71]],
      ['n', 'external', [71]],
    ]);
    expect(readdirSync(folder).sort()).toEqual(['copy.onnx', 'copy.onnx.data']);
    expect(readFileSync(join(own, 'a.bin'))).toEqual(Buffer.from(values.buffer));
    expect(
      fromBinary(ModelProtoSchema, readFileSync(target)).graph!.initializer[2]!.externalData.map(({ key }) => key),
    ).toEqual(['location', 'offset', 'length']);
    const first = [readFileSync(target), readFileSync(`${target}.data`)];
    withModel(source, model, (file) => writeModel(file.model, edits, target));
    expect([readFileSync(target), readFileSync(`${target}.data`)]).toEqual(first);
  });

  it('goes into the model where its bytes are wanted', () => {
    prepare();
    const bytes = withModel(source, model, (file) => modelBytes(file.model, edits));
    mkdirSync(folder);
    writeFileSync(target, bytes);
    expect(read(target).map(([name, kind]) => `${name} ${kind}`)).toEqual([
      ...['a raw', 'inline typed', 'b raw', 'c raw', 'n raw', 'n raw'],
    ]);
    expect(read(target)[3]![2]).toEqual([2000, 2001, 2002, 2003]);
  });

  it("is never written over the user's own", () => {
    prepare();
    const bytes = encode({ irVersion: 8n, graph: { initializer: [external('w', 'copy.onnx.data', 0, 2)] } });
    writeFileSync(join(own, 'copy.onnx.data'), values);
    withModel(source, bytes, (file) => {
      expect(refusal(() => writeModel(file.model, {}, join(own, 'copy.onnx')))).toContain(
        'copy.onnx.data: belongs to the model that is read',
      );
    });
    expect(readFileSync(join(own, 'copy.onnx.data'))).toEqual(Buffer.from(values.buffer));
    expect(existsSync(join(own, 'copy.onnx'))).toBe(false);
  });

  it('that is missing leaves nothing behind', () => {
    prepare();
    rmSync(join(own, 'b.bin'));
    withModel(source, model, (file) => {
      expect(refusal(() => writeModel(file.model, edits, target))).toContain('keeps its data in "b.bin"');
    });
    expect(existsSync(folder) ? readdirSync(folder) : []).toEqual([]);
  });
});
