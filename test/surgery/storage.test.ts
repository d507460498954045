import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openModel } from '../../src/files/index.ts';
import { readNetwork } from '../../src/network/index.ts';
import { temporaryDirectory } from '../onnx/support.ts';
import { between, cutGraph, last, writeCutTo } from '../support/cutting.ts';
import { networkOf } from '../support/golden.ts';
import { op, writeModel } from '../support/onnx-builder.ts';

const [A, OUT] = [
  [1, 2, 5],
  [0, 1],
];
const graph = between([op('Relu', 'a', 'y'), last], { ow: [2, 6, 2, 2] });

/** Bytes that count up, so that every bit pattern is there, NaNs among them. */
const counting = (bytes: number): Uint8Array =>
  Uint8Array.from({ length: bytes }, (_, k) => (k * 37 + (k >> 8)) & 0xff);

/** The elements of rows x columns x kernel that stay. */
function picked(
  bytes: Uint8Array,
  width: number,
  columns: number,
  kernel: number,
  rows: number[],
  stay: number[],
): Buffer {
  return Buffer.concat(
    rows.flatMap((row) =>
      stay.map((column) => {
        const start = (row * columns + column) * kernel * width;
        return bytes.subarray(start, start + kernel * width);
      }),
    ),
  );
}

describe('elements keep their bits', () => {
  it.each([
    ['float32', 1, 4],
    ['float16', 10, 2],
    ['bfloat16', 16, 2],
    ['float64', 11, 8],
  ])('of %s', (_, dataType, width) => {
    const [aw, ab, ow] = [counting(6 * 3 * width), counting(6 * width), counting(2 * 6 * 4 * width)];
    const tensor = (dims: number[], rawData: Uint8Array) => ({ dataType, dims: dims.map(BigInt), rawData });
    const weights = { aw: tensor([6, 3, 1, 1], aw), ab: tensor([6], ab), ow: tensor([2, 6, 2, 2], ow) };
    const { graph: after } = cutGraph({ ...graph, weights }, { a: A, out: OUT });
    const raw = (name: string) => Buffer.from(after.initializer.find((found) => found.name === name)!.rawData);
    expect(raw('aw')).toEqual(picked(aw, width, 3, 1, A, [0, 1, 2]));
    expect(raw('ab')).toEqual(picked(ab, width, 1, 1, A, [0]));
    expect(raw('ow')).toEqual(picked(ow, width, 6, 4, OUT, A));
  });

  it('of tensors larger than what is written at a time', () => {
    const [rows, columns] = [1500, 1100];
    const ow = counting(rows * columns * 4);
    const wide = between([op('Relu', 'a', 'y'), last], {}, { inputs: { x: [1, 3, 1, 1] } });
    const kept = Array.from({ length: columns }, (_, k) => k).filter((k) => k % 3 !== 1);
    const weights = {
      aw: { dataType: 1, dims: [BigInt(columns), 3n, 1n, 1n], rawData: counting(columns * 12) },
      ab: { dataType: 1, dims: [BigInt(columns)], rawData: counting(columns * 4) },
      ow: { dataType: 1, dims: [BigInt(rows), BigInt(columns), 1n, 1n], rawData: ow },
    };
    const { graph: after } = cutGraph({ ...wide, weights }, { a: kept });
    const raw = after.initializer.find(({ name }) => name === 'ow')!.rawData;
    const all = Array.from({ length: rows }, (_, k) => k);
    expect(Buffer.compare(raw, picked(ow, 4, columns, 1, all, kept))).toBe(0);
  });

  it('and stand in raw_data where they stood in float_data', () => {
    const values = Array.from({ length: 18 }, (_, k) => k / 3);
    const weights = { ...graph.weights, aw: { dataType: 1, dims: [6n, 3n, 1n, 1n], floatData: values } };
    const { graph: after } = cutGraph({ ...graph, weights }, { a: A });
    const tensor = after.initializer.find(({ name }) => name === 'aw')!;
    expect(tensor.floatData).toEqual([]);
    expect([...new Float32Array(new Uint8Array(tensor.rawData).buffer)]).toEqual(
      A.flatMap((row) => values.slice(3 * row, 3 * row + 3)).map(Math.fround),
    );
  });
});

describe('external data', () => {
  const bytes = { aw: counting(72), ow: counting(192) };
  const external = (dims: number[], offset: number, length: number) => ({
    dataType: 1,
    dims: dims.map(BigInt),
    dataLocation: 1,
    externalData: [
      { key: 'location', value: 'weights.bin' },
      { key: 'offset', value: String(offset) },
      { key: 'length', value: String(length) },
    ],
  });
  const weights = { ...graph.weights, aw: external([6, 3, 1, 1], 192, 72), ow: external([2, 6, 2, 2], 0, 192) };

  it("stays external in a file of its own, and the user's is left alone", () => {
    const source = writeModel({ ...graph, weights });
    const data = join(dirname(source), 'weights.bin');
    writeFileSync(data, Buffer.concat([bytes.ow, bytes.aw]));
    const before = [source, data].map((path) => readFileSync(path));
    const folder = temporaryDirectory();
    const retained = (layer: string) => (layer === 'a' ? A : null);
    const file = openModel(source);
    const dense = readNetwork(file.model);
    for (const name of ['one.onnx', 'two.onnx']) writeCutTo(join(folder, name), dense, { retained, asPruner: null });
    file.close();
    expect([source, data].map((path) => readFileSync(path))).toEqual(before);
    expect(readdirSync(folder).sort()).toEqual(['one.onnx', 'one.onnx.data', 'two.onnx', 'two.onnx.data']);
    expect(readFileSync(join(folder, 'one.onnx.data'))).toEqual(readFileSync(join(folder, 'two.onnx.data')));
    const { model } = networkOf(join(folder, 'one.onnx'));
    const read = (name: string) => {
      const tensor = model.graph.initializers.get(name)!;
      expect(tensor.storage).toMatchObject({ kind: 'external', location: 'one.onnx.data' });
      return Buffer.from(tensor.read().bytes);
    };
    expect(read('aw')).toEqual(picked(bytes.aw, 4, 3, 1, A, [0, 1, 2]));
    expect(read('ow')).toEqual(picked(bytes.ow, 4, 6, 4, OUT, A));
    expect(model.graph.initializers.get('ab')!.storage.kind).toBe('raw');
  });
});
