import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openModel } from '../../src/files/index.ts';
import { type DType, inlineTensor, type TensorData, toFloat32, toFloat64, toIntegers } from '../../src/onnx/index.ts';
import {
  bytesOf,
  int,
  len,
  modelOf,
  modelWith,
  onlyTensor,
  readOnly,
  refusal,
  temporaryDirectory,
  varint,
  withModel,
} from './support.ts';

const path = join(temporaryDirectory(), 'model.onnx');
const fixture = new URL('../fixtures/onnx/mixed.onnx', import.meta.url).pathname;

const data = (dtype: DType, array: ArrayBufferView): TensorData => ({
  dtype,
  dims: [array.byteLength],
  bytes: new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
});

describe('elements as onnx.helper wrote them', () => {
  const file = openModel(fixture);
  const read = (name: string): TensorData => file.model.graph.initializers.get(name)!.read();

  it('are read from every typed field', () => {
    expect([...toFloat64(read('double_data'))]).toEqual([1.5, -2.25, 1e300]);
    expect(toIntegers(read('int32_data'))).toEqual([-1, 2 ** 31 - 1, -(2 ** 31)]);
    expect(toIntegers(read('int8_data'))).toEqual([-128, 0, 127]);
    expect(toIntegers(read('uint8_data'))).toEqual([0, 200, 255]);
    expect(toIntegers(read('bool_data'))).toEqual([1, 0]);
    expect([...toFloat32(read('half_data'))]).toEqual([1, -0, 65504, 2 ** -24]);
    expect([...new BigInt64Array(read('int64_data').bytes.buffer)]).toEqual([-1n, 0n, 2n ** 62n, -(2n ** 63n)]);
    expect([...new BigUint64Array(read('uint64_data').bytes.buffer)]).toEqual([0n, 2n ** 64n - 1n]);
    expect(read('float_data')).toMatchObject({ dtype: 'float32', dims: [2, 3], bytes: { length: 24 } });
  });

  it('may be none, or one for a scalar', () => {
    expect(read('empty')).toEqual({ dtype: 'float32', dims: [0, 3], bytes: new Uint8Array(0) });
    expect([...toFloat32(read('scalar'))]).toEqual([3.5]);
    expect(file.model.graph.initializers.get('scalar')).toMatchObject({ dims: [], elements: 1 });
  });

  it('are found in subgraphs too', () => {
    const branch = file.model.graph.nodes.find((node) => node.opType === 'If')?.attributes.get('then_branch');
    const inner = branch?.kind === 'graph' ? branch.value.initializers.get('inner') : undefined;
    expect([...toFloat32(inner!.read())]).toEqual([1, 1]);
  });
});

describe('typed fields', () => {
  const dims = (...sizes: number[]): Uint8Array => len(1, ...sizes.map((size) => varint(size)));

  it('may be packed, unpacked or both by turns', () => {
    const float = (value: number): Uint8Array => new Uint8Array(Float32Array.of(value).buffer);
    const unpacked = (value: number): Uint8Array => bytesOf(varint(4 * 8 + 5), float(value));
    const fields = [
      len(8, 'w'),
      unpacked(1),
      unpacked(2),
      len(4, float(3), float(4)),
      unpacked(5),
      int(2, 1),
      unpacked(6),
    ];
    expect([...toFloat32(readOnly(path, modelOf(dims(6), ...fields, int(2, 1))))]).toEqual([1, 2, 3, 4, 5, 6]);
    const ints = [len(8, 'w'), int(7, -1), int(7, 300), len(7, varint(7), varint(8)), int(7, 9)];
    expect(toIntegers(readOnly(path, modelOf(dims(5), ...ints, int(2, 7))))).toEqual([-1, 300, 7, 8, 9]);
  });

  it('that are unpacked cost one range where they follow each other', () => {
    const ints = Array.from({ length: 1000 }, (_, i) => int(7, i));
    withModel(path, modelOf(len(8, 'w'), dims(1000), int(2, 7), ...ints), (file) => {
      expect(onlyTensor(file).storage).toMatchObject({ kind: 'typed', ranges: [{ packed: false }] });
      expect(toIntegers(onlyTensor(file).read())).toEqual(ints.map((_, i) => i));
    });
  });

  it('are longer than a read window', () => {
    const values = Array.from({ length: 200_000 }, (_, i) => i * 7919);
    expect(
      toIntegers(readOnly(path, modelWith({ name: 'w', dataType: 6, dims: [200_000n], int32Data: values }))),
    ).toEqual(values);
  });

  it.each([
    ['float_data', { dataType: 1, floatData: [1, 2] }],
    ['int32_data', { dataType: 6, int32Data: [1, 2] }],
    ['int64_data', { dataType: 7, int64Data: [1n, 2n] }],
    ['fewer but longer int64_data', { dataType: 7, int64Data: [300n, 300n] }],
    ['more float_data', { dataType: 1, floatData: [1, 2, 3, 4] }],
    ['more int64_data', { dataType: 7, int64Data: [1n, 2n, 3n, 4n] }],
  ])('%s must have as many elements as dims', (_, init) => {
    expect(refusal(() => readOnly(path, modelWith({ name: 'w', dims: [3n], ...init })))).toMatch(
      /model\.onnx: tensor w: does not have as many elements as \w+ of shape \[3\] takes/,
    );
  });

  it.each([
    [3, -129],
    [3, 128],
    [2, 256],
    [2, -1],
    [5, 32768],
    [4, -1],
    [9, 2],
    [10, 65536],
    [16, -1],
  ])('int32_data for type %d cannot hold %d', (dataType, value) => {
    const content = modelWith({ name: 'w', dims: [1n], dataType, int32Data: [value] });
    expect(refusal(() => readOnly(path, content))).toContain(`cannot hold (found ${value})`);
  });

  it('uint64_data for uint32 cannot hold 2^32', () => {
    const content = modelWith({ name: 'w', dims: [1n], dataType: 12, uint64Data: [2n ** 32n] });
    expect(refusal(() => readOnly(path, content))).toContain('uint32 cannot hold (found 4294967296)');
  });

  it('of another type are refused', () => {
    const content = modelWith({ name: 'w', dims: [1n], dataType: 1, int32Data: [1] });
    expect(refusal(() => withModel(path, content, () => 0))).toContain('float32 elements in int32_data');
  });

  it('hold two 4-bit or four 2-bit elements an entry', () => {
    expect([
      ...readOnly(path, modelWith({ name: 'w', dims: [3n], dataType: 22, int32Data: [0x21, -1] })).bytes,
    ]).toEqual([0x21, 0xff]);
    expect([...readOnly(path, modelWith({ name: 'w', dims: [5n], dataType: 25, int32Data: [0xe4, 1] })).bytes]).toEqual(
      [0xe4, 1],
    );
  });

  it('hold two entries a complex number', () => {
    const complex = { name: 'w', dims: [2n], dataType: 14, floatData: [1, 2, 3, 4] };
    expect([...new Float32Array(readOnly(path, modelWith(complex)).bytes.buffer)]).toEqual([1, 2, 3, 4]);
  });
});

describe('a tensor header', () => {
  const open = (content: Uint8Array): void => withModel(path, content, () => undefined);

  it.each([
    ['a negative dimension', [int(1, -1)], /negative or impossibly large/],
    ['a dimension of 2^53', [int(1, 2n ** 53n)], /negative or impossibly large/],
    ['dimensions whose product overflows', [int(1, 2n ** 40n), int(1, 2n ** 40n)], /more elements than can exist/],
    ['an overflow hidden by a zero', [int(1, 2n ** 40n), int(1, 2n ** 40n), int(1, 0)], /more elements than can exist/],
    ['an overflow behind a zero', [int(1, 0), int(1, 2n ** 40n), int(1, 2n ** 40n)], /more elements than can exist/],
    ['a negative dimension behind a zero', [int(1, 0), int(1, -1)], /negative or impossibly large/],
    [
      'too few raw bytes',
      [int(1, 2), int(2, 1), len(9, 'abcd')],
      /has 4 bytes of data, but float32 of shape \[2\] takes 8/,
    ],
    ['too many raw bytes', [int(1, 1), int(2, 7), len(9, new Uint8Array(9))], /has 9 bytes/],
    ['raw and typed elements', [int(1, 1), int(2, 1), len(9, 'abcd'), len(4, 'abcd')], /in float_data and raw_data/],
    ['two typed fields', [int(1, 1), int(2, 1), len(5, [1]), len(4, 'abcd')], /in int32_data and float_data/],
    ['raw and external elements', [int(1, 1), int(2, 1), len(9, 'abcd'), int(14, 1)], /raw_data and external data/],
  ])('with %s is refused', (_, fields, message) => {
    expect(refusal(() => open(modelOf(len(8, 'w'), ...fields)))).toMatch(message);
    expect(refusal(() => open(modelOf(len(8, 'w'), ...fields)))).toContain('tensor w');
  });

  it('may have an empty second source', () => {
    expect([
      ...toFloat32(readOnly(path, modelOf(int(1, 1), int(2, 1), len(8, 'w'), len(4), len(9, [0, 0, 128, 63])))),
    ]).toEqual([1]);
    expect([
      ...toFloat32(readOnly(path, modelOf(int(1, 1), int(2, 1), len(8, 'w'), len(9), len(4, [0, 0, 128, 63])))),
    ]).toEqual([1]);
  });

  it.each([
    ['an unknown type', modelOf(len(8, 'w'), int(1, 1), int(2, 99), len(9, 'a')), 'element type that is not known'],
    ['no type', modelOf(len(8, 'w'), int(1, 1), len(9, 'a')), 'has undefined elements'],
    ['strings', modelOf(len(8, 'w'), int(1, 1), int(2, 8), len(6, 'a')), 'has string elements'],
    ['no data', modelOf(len(8, 'w'), int(1, 1), int(2, 1)), 'has no data'],
  ])('with %s is refused once it is read', (_, content, message) => {
    open(content);
    expect(refusal(() => readOnly(path, content))).toContain(message);
  });

  it.each([
    ['twice', [len(5, len(8, 'w')), len(5, len(8, 'w'))], 'tensor w: is stored twice'],
    ['dense and sparse', [len(5, len(8, 'w')), len(15, len(1, len(8, 'w')))], 'tensor w: is stored twice'],
    ['sparse and dense', [len(15, len(1, len(8, 'w'))), len(5, len(8, 'w'))], 'tensor w: is stored twice'],
    ['in two pieces of the graph', [len(5, len(8, 'w'))], 'tensor w: is stored twice'],
    ['without a name', [len(5, int(2, 1))], 'without a name'],
  ])('%s in one graph is refused', (place, fields, message) => {
    const graph = len(7, ...fields);
    expect(refusal(() => open(place.includes('pieces') ? bytesOf(graph, graph) : graph))).toContain(message);
  });
});

describe('inline bytes', () => {
  it('are copied where a view would not be aligned', () => {
    const bytes = Buffer.from([0, 0, 0, 128, 63, 0, 0, 0, 64]).subarray(1);
    const tensor = inlineTensor('', 'float32', [2], bytes);
    expect([...toFloat32(tensor.read())]).toEqual([1, 2]);
  });
});

describe('conversions', () => {
  it('view float32 without a copy', () => {
    const source = data('float32', Float32Array.of(1, -2));
    expect(toFloat32(source).buffer).toBe(source.bytes.buffer);
    expect(toFloat64(data('float64', Float64Array.of(1))).length).toBe(1);
  });

  it('widen every float16 exactly', () => {
    const halves = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const floats = toFloat32(data('float16', halves));
    const bits = new Uint32Array(floats.buffer);
    for (let half = 0; half < 65536; half++) {
      const sign = half & 0x8000 ? -1 : 1;
      const exponent = (half >> 10) & 31;
      const mantissa = half & 0x3ff;
      if (exponent === 31 && mantissa !== 0) expect(bits[half]! & 0x7fffff).toBe(mantissa << 13);
      const value =
        exponent === 31
          ? mantissa === 0
            ? sign * Number.POSITIVE_INFINITY
            : Number.NaN
          : exponent === 0
            ? sign * mantissa * 2 ** -24
            : sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
      if (!Object.is(floats[half], value)) expect(floats[half]).toBe(value);
    }
  });

  it('widen bfloat16 exactly', () => {
    const values = toFloat32(data('bfloat16', Uint16Array.of(0x3f80, 0xc000, 0x7f80, 0x0001, 0x8000)));
    expect([...values]).toEqual([1, -2, Number.POSITIVE_INFINITY, 2 ** -133, -0]);
    expect([...toFloat64(data('bfloat16', Uint16Array.of(0x3f80)))]).toEqual([1]);
  });

  it('narrow float64 only when asked', () => {
    const doubles = data('float64', Float64Array.of(0.1, 1e300));
    expect(refusal(() => toFloat32(doubles))).toBe('float64 elements cannot be read as float32');
    expect([...toFloat32(doubles, 'round')]).toEqual([Math.fround(0.1), Number.POSITIVE_INFINITY]);
  });

  it('refuse other types', () => {
    expect(refusal(() => toFloat32(data('int8', Int8Array.of(1))))).toContain(
      'int8 elements cannot be read as float32',
    );
    expect(refusal(() => toFloat64(data('int8', Int8Array.of(1))))).toContain('float64');
    expect(refusal(() => toIntegers(data('float32', Float32Array.of(1))))).toContain('integers');
  });

  it('give integers of every width', () => {
    expect(toIntegers(data('int16', Int16Array.of(-5)))).toEqual([-5]);
    expect(toIntegers(data('uint16', Uint16Array.of(65535)))).toEqual([65535]);
    expect(toIntegers(data('uint32', Uint32Array.of(2 ** 32 - 1)))).toEqual([2 ** 32 - 1]);
    expect(toIntegers(data('uint64', BigUint64Array.of(5n)))).toEqual([5]);
    expect(toIntegers(data('bool', Uint8Array.of(0, 1, 2)))).toEqual([0, 1, 1]);
  });

  it('refuse or saturate integers that are not safe', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const source = data('int64', BigInt64Array.of(value));
        if (Number.isSafeInteger(Number(value))) expect(toIntegers(source)).toEqual([Number(value)]);
        else {
          expect(refusal(() => toIntegers(source))).toContain(String(value));
          expect(toIntegers(source, 'saturate')).toEqual([
            value < 0n ? Number.MIN_SAFE_INTEGER : Number.MAX_SAFE_INTEGER,
          ]);
        }
      }),
    );
  });
});
