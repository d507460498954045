import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openModel, writeModel } from '../../src/files/index.ts';
import {
  contentOf,
  type ModelEdits,
  modelBytes,
  type NodeEdit,
  type TensorContent,
  toFloat32,
  toIntegers,
} from '../../src/onnx/index.ts';
import { modelArbitrary } from './arbitrary.ts';
import { type ModelProto, ModelProtoSchema, type TensorProto } from './onnx_pb.generated.js';
import { bytesOf, int, len, modelWith, refusal, temporaryDirectory, varint, withModel } from './support.ts';

const directory = temporaryDirectory();
const path = join(directory, 'model.onnx');
const decode = (bytes: Uint8Array): ModelProto => fromBinary(ModelProtoSchema, bytes);
const encode = (init: MessageInitShape<typeof ModelProtoSchema>): Uint8Array =>
  toBinary(ModelProtoSchema, create(ModelProtoSchema, init));

/** The copy of a model made of these bytes. */
const edited = (bytes: Uint8Array, edits: ModelEdits): Uint8Array =>
  withModel(path, bytes, (file) => modelBytes(file.model, edits));

const floats = (...values: number[]): TensorContent =>
  contentOf([values.length], new Uint8Array(Float32Array.from(values).buffer));

describe('a copy without changes', () => {
  it('is the same bytes, whatever the model', () => {
    fc.assert(
      fc.property(modelArbitrary('a'), modelArbitrary('b'), (a, b) => {
        for (const bytes of [encode(a), bytesOf(encode(a), encode(b))]) {
          expect(Buffer.compare(edited(bytes, {}), bytes)).toBe(0);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('keeps fields and groups that nobody knows, in models and in tensors', () => {
    const unknown = bytesOf(int(900, -1), varint(3000 * 8 + 3), int(1, 5), varint(3000 * 8 + 4));
    const tensor = len(5, unknown, int(1, 1), int(2, 1), len(8, 'w'), len(9, [1, 2, 3, 4]), unknown);
    const bytes = bytesOf(unknown, len(7, unknown, tensor, unknown), unknown);
    expect(Buffer.from(edited(bytes, {}))).toEqual(Buffer.from(bytes));
    const changed = edited(bytes, { tensors: new Map([['w', floats(1, 2)]]) });
    expect(
      Buffer.from(changed).indexOf(Buffer.from(bytesOf(int(2, 1), len(8, 'w'), unknown, int(1, 2)))),
    ).toBeGreaterThan(0);
  });
});

/** The same edits made to a decoded model. */
function edit(model: ModelProto, edits: ModelEdits): ModelProto {
  const graph = model.graph!;
  const replace = (tensor: TensorProto, { dims, chunks }: TensorContent): void => {
    Object.assign(tensor, { dims: dims.map(BigInt), floatData: [], doubleData: [] });
    Object.assign(tensor, {
      int32Data: [],
      int64Data: [],
      uint64Data: [],
      rawData: new Uint8Array(bytesOf(...chunks())),
    });
  };
  for (const tensor of graph.initializer) {
    const content = edits.tensors?.get(tensor.name);
    if (content !== undefined) replace(tensor, content);
  }
  for (const [name, sizes] of edits.shapes ?? [])
    for (const info of [...graph.input, ...graph.output, ...graph.valueInfo]) {
      if (info.name !== name || info.type?.value.case !== 'tensorType') continue;
      for (const [k, dim] of (info.type.value.value.shape?.dim ?? []).entries()) {
        const size = sizes[k];
        if (size !== undefined && size !== null) dim.value = { case: 'dimValue', value: BigInt(size) };
      }
    }
  for (const [key, value] of edits.metadata ?? []) {
    model.metadataProps = model.metadataProps.filter((entry) => entry.key !== key);
    model.metadataProps.push(create(ModelProtoSchema, { metadataProps: [{ key, value }] }).metadataProps[0]!);
  }
  return model;
}

describe('a copy with changes', () => {
  it('is the model with these and no others, whatever the model', () => {
    fc.assert(
      fc.property(modelArbitrary('a'), fc.nat(3), fc.nat(), (init, every, seed) => {
        const bytes = encode(init);
        const before = decode(bytes);
        const { initializer, input, output, valueInfo } = before.graph!;
        const chosen = <Item>(items: readonly Item[]): readonly Item[] =>
          items.filter((_, k) => (k + seed) % (every + 1) === 0);
        const tensors = withModel(path, bytes, (file) =>
          chosen(initializer).map(({ name }): [string, TensorContent] => {
            const tensor = file.model.graph.initializers.get(name)!;
            const { bytes: old } = tensor.read();
            const width = tensor.elements === 0 ? 0 : old.length / tensor.elements;
            const count = width === 0 ? 0 : 3;
            return [name, contentOf([count, 1], new Uint8Array(count * width).fill(7))];
          }),
        );
        const edits: ModelEdits = {
          tensors: new Map(tensors),
          shapes: new Map(chosen([...input, ...output, ...valueInfo]).map(({ name }) => [name, [5, null, 2 ** 40]])),
          metadata: new Map([
            ['prunegate.spec', '{}'],
            ['x', 'new'],
          ]),
        };
        const after = decode(edited(bytes, edits));
        expect(after).toEqual(edit(decode(bytes), edits));
      }),
      { numRuns: 120 },
    );
  });

  const graph = {
    node: [
      { opType: 'Split', input: ['x'], output: ['a', 'b'], attribute: [{ name: 'axis', type: 2, i: 1n }] },
      {
        opType: 'Split',
        input: ['x', ''],
        output: ['c'],
        docString: 'kept',
        attribute: [
          { name: 'split', type: 7, ints: [1n, 2n], docString: 'kept too' },
          { name: 'axis', type: 2, i: 1n },
          { name: 'num_outputs', type: 2, i: 2n },
        ],
      },
      { opType: 'Constant', output: ['k1'], attribute: [{ name: 'value_ints', type: 7, ints: [1n, 2n] }] },
      {
        opType: 'Constant',
        output: ['k2'],
        attribute: [{ name: 'value', type: 4, t: { name: 'inner', dims: [2n], dataType: 1, floatData: [1, 2] } }],
      },
      { opType: 'Constant', output: ['k3'], attribute: [{ name: 'value_float', type: 1, f: 2.5 }] },
    ],
    output: [{ name: 'c' }],
  };

  it('edits inputs and attributes of nodes', () => {
    const bytes = encode({ irVersion: 8n, graph });
    const after = withModel(path, bytes, (file) => {
      const [first, second] = file.model.graph.nodes;
      const nodes = new Map<NonNullable<typeof first>, NodeEdit>([
        [first!, { inputs: new Map([[2, 'sizes']]), attributes: new Map([['group', -3]]) }],
        [
          second!,
          {
            inputs: new Map([
              [0, 'y'],
              [1, 'z'],
            ]),
            attributes: new Map<string, number | readonly number[] | null>([
              ['split', [0, -1, 2 ** 52]],
              ['num_outputs', null],
              ['absent', null],
            ]),
          },
        ],
      ]);
      return decode(modelBytes(file.model, { nodes }));
    });
    const [first, second, ...rest] = after.graph!.node;
    expect(first!.input).toEqual(['x', '', 'sizes']);
    expect(first!.attribute).toMatchObject([
      { name: 'axis', i: 1n },
      { name: 'group', type: 2, i: -3n },
    ]);
    expect(second).toMatchObject({ docString: 'kept', input: ['y', 'z'], output: ['c'] });
    expect(second!.attribute).toMatchObject([
      { name: 'split', type: 7, ints: [0n, -1n, 2n ** 52n], docString: 'kept too' },
      { name: 'axis' },
    ]);
    expect(rest).toEqual(decode(bytes).graph!.node.slice(2));
  });

  it('replaces what Constant nodes hold, however they hold it', () => {
    const ints = contentOf([1], new Uint8Array(BigInt64Array.of(9n).buffer));
    const bytes = edited(encode({ irVersion: 8n, graph }), {
      tensors: new Map([
        ['k1', ints],
        ['k2', floats(5)],
        ['k3', floats(6, 7, 8)],
      ]),
    });
    withModel(path, bytes, (file) => {
      const value = (k: number) => {
        const attribute = file.model.graph.nodes[k]!.attributes.get('value');
        if (attribute?.kind !== 'tensor') throw new Error(String(k));
        return attribute.value.read();
      };
      expect([...file.model.graph.nodes[2]!.attributes.keys()]).toEqual(['value']);
      expect(toIntegers(value(2))).toEqual([9]);
      expect([...toFloat32(value(3))]).toEqual([5]);
      expect([...toFloat32(value(4))]).toEqual([6, 7, 8]);
    });
    expect(decode(bytes).graph!.node[3]!.attribute[0]!.t!.name).toBe('inner');
  });

  it('adds initializers once, though the graph lies in two fields', () => {
    const twice = bytesOf(
      encode({ irVersion: 8n, graph: { name: 'g', output: [{ name: 'c' }] } }),
      len(7, len(1, len(1, 'x'), len(2, 'y'), len(4, 'Relu'))),
    );
    const { dims, chunks } = floats(1, 2);
    const after = decode(edited(twice, { added: new Map([['w', { dims, chunks, dtype: 'float32' }]]) }));
    expect(after.graph!.initializer).toMatchObject([{ name: 'w', dims: [2n], dataType: 1 }]);
    expect(after.graph!.node).toHaveLength(1);
  });

  it('must bring as many bytes as its dims ask for', () => {
    const bytes = modelWith({ name: 'w', dims: [2n], dataType: 1, floatData: [1, 2] });
    for (const count of [4, 12]) {
      const tensors = new Map([['w', contentOf([2], new Uint8Array(count))]]);
      expect(() => edited(bytes, { tensors })).toThrow(`tensor w: ${count} bytes were made where 8 belong`);
    }
  });
});

const target = join(directory, 'out', 'copy.onnx');
const folder = join(directory, 'out');

describe('a written file', () => {
  const weights = modelWith({ name: 'w', dims: [2n], dataType: 1, floatData: [1, 2] });

  it('is there whole or not at all, and takes the place of an older one', () => {
    rmSync(folder, { recursive: true, force: true });
    withModel(path, weights, (file) => {
      const { bytes, data } = writeModel(file.model, { metadata: new Map([['k', 'v']]) }, target);
      expect({ size: statSync(target).size, data }).toEqual({ size: bytes, data: null });
      const good = readFileSync(target);
      const broken = contentOf([3], new Uint8Array(8));
      expect(() => writeModel(file.model, { tensors: new Map([['w', broken]]) }, target)).toThrow('8 bytes were made');
      expect(readFileSync(target)).toEqual(good);
      writeModel(file.model, {}, target);
      expect(readFileSync(target)).toEqual(Buffer.from(weights));
    });
    expect(readdirSync(folder)).toEqual(['copy.onnx']);
  });

  it('never takes the place of the model that is read, under any name', () => {
    const own = join(directory, 'own.onnx');
    withModel(own, weights, (file) => {
      for (const link of ['hard.onnx', 'soft.onnx']) rmSync(join(directory, link), { force: true });
      linkSync(own, join(directory, 'hard.onnx'));
      symlinkSync(own, join(directory, 'soft.onnx'));
      for (const name of ['own.onnx', './out/../own.onnx', 'hard.onnx', 'soft.onnx']) {
        const message = refusal(() => writeModel(file.model, {}, `${directory}/${name}`));
        expect(message).toContain('belongs to the model that is read: name another file to write');
      }
      rmSync(join(directory, 'hard.onnx'));
    });
    expect(readFileSync(own)).toEqual(Buffer.from(weights));
  });

  it('that cannot be written is refused by name', () => {
    mkdirSync(join(folder, 'folder'), { recursive: true });
    writeFileSync(join(directory, 'file'), '');
    withModel(path, weights, (file) => {
      expect(refusal(() => writeModel(file.model, {}, join(folder, 'folder')))).toContain('is a directory');
      const below = join(directory, 'file', 'copy.onnx');
      expect(refusal(() => writeModel(file.model, {}, below))).toMatch(
        /copy\.onnx: cannot be written \((ENOTDIR|EEXIST)\)/,
      );
    });
  });

  it('holds no training information', () => {
    const bytes = bytesOf(weights, len(20, len(1, len(2, 'training'))));
    expect(refusal(() => edited(bytes, {}))).toContain('holds training information, which cannot be carried over');
  });
});

describe('a model beyond 2 GiB', () => {
  const GIB = 2 ** 30;
  const large = join(directory, 'large.onnx');
  const head = (field: number, length: number): Uint8Array => bytesOf(varint(field * 8 + 2), varint(length));

  /** One tensor of 2.5 GiB in a hole, then a small one. False where holes take space. */
  function writeSparse(): boolean {
    const bytes = 2.5 * GIB;
    const fields = bytesOf(int(1, bytes / 4), int(2, 1), len(8, 'first'), head(9, bytes));
    const tail = len(5, int(1, 1), int(2, 1), len(8, 'small'), len(9, new Uint8Array(4).fill(1)));
    const tensor = bytesOf(head(5, fields.length + bytes), fields);
    const descriptor = openSync(large, 'w');
    const start = bytesOf(int(1, 8), head(7, tensor.length + bytes + tail.length), tensor);
    writeSync(descriptor, start, 0, start.length, 0);
    writeSync(descriptor, tail, 0, tail.length, start.length + bytes);
    closeSync(descriptor);
    return statSync(large).blocks * 512 < GIB;
  }

  it.runIf(writeSparse())('is cut in bounded memory, and refused where its bytes are wanted in one piece', () => {
    const before = process.memoryUsage.rss();
    const file = openModel(large);
    expect(refusal(() => modelBytes(file.model, {}))).toContain('ONNX models in memory hold less than 2 GiB');
    writeModel(file.model, { tensors: new Map([['first', floats(1, 2)]]) }, target);
    file.close();
    expect(process.memoryUsage.rss() - before).toBeLessThan(96 * 2 ** 20);
    expect(decode(readFileSync(target)).graph!.initializer.map(({ name, dims }) => [name, dims])).toEqual([
      ['first', [2n]],
      ['small', [1n]],
    ]);
  });
});

describe('a written model', () => {
  it('is known from another that takes its place', () => {
    const [own, other] = ['own.onnx', 'other.onnx'].map((name) => join(temporaryDirectory(), name)) as [string, string];
    withModel(own, len(7), ({ model }) => {
      const written = writeModel(model, {}, other);
      written.requireInPlace();
      const another = writeModel(model, {}, other);
      expect(() => written.requireInPlace()).toThrow('was changed while it was checked');
      another.requireInPlace();
    });
  });
});
