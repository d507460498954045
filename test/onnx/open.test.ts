import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openModel } from '../../src/files/index.ts';
import { constantTensor, type OnnxNode, toFloat32, toIntegers } from '../../src/onnx/index.ts';
import { bytesOf, int, len, modelWith, refusal, temporaryDirectory, varint, withModel } from './support.ts';

const directory = temporaryDirectory();
const path = join(directory, 'model.onnx');
const fixture = new URL('../fixtures/golden/shared_conv_nchw/pruned.onnx', import.meta.url).pathname;

describe('a path that is no model', () => {
  it.each([
    ['nothing', '', 'is empty'],
    [
      'a Git LFS pointer',
      'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n',
      'is a Git LFS pointer: run git lfs pull',
    ],
    ['a ZIP archive', 'PK\x03\x04\x14\0\0\0\x08\0', 'is a ZIP archive'],
    ['an HDF5 file', bytesOf([0x89], 'HDF\r\n\x1a\n', new Uint8Array(50)), 'is an HDF5 file'],
    ['gzip', [0x1f, 0x8b, 8, 0, 0, 0], 'is compressed with gzip'],
    ['a pickle', [0x80, 0x02, 0x8a, 0x0a], 'is a Python pickle'],
    ['an ORT model', bytesOf([0x1c, 0, 0, 0], 'ORTM', new Uint8Array(32)), 'is an ORT-format model'],
    ['a TFLite model', bytesOf([0x1c, 0, 0, 0], 'TFL3', new Uint8Array(32)), 'is a TensorFlow Lite model'],
    ['GGUF', bytesOf('GGUF', [3, 0, 0, 0]), 'is a GGUF file'],
    ['TensorRT', bytesOf('ptrt', [3, 0, 0, 0]), 'is a TensorRT engine'],
    ['a web page', '\n<!DOCTYPE html><html><title>404</title>', 'is a web page'],
    ['a page with a byte order mark', '\ufeff<html>', 'is a web page'],
    ['JSON', '{"layers": []}', 'is a text file'],
    ['text', 'hello, world\n', 'is a text file'],
    ['zeros', new Uint8Array(100), 'is not a readable ONNX file'],
    ['another protobuf', int(1, 8), 'there is no graph'],
  ])('but %s is refused', (_, content, message) => {
    writeFileSync(path, bytesOf(content));
    const text = refusal(() => openModel(path));
    expect(text.startsWith(`${path}: ${message}`) || text.includes(message)).toBe(true);
  });

  it('because it is missing, a directory or impossible', () => {
    expect(refusal(() => openModel(join(directory, 'missing.onnx')))).toContain('does not exist');
    expect(refusal(() => openModel(join(fixture, 'x.onnx')))).toContain('not a directory');
    expect(refusal(() => openModel('a\0b.onnx'))).toContain('NUL');
    expect(refusal(() => openModel(''))).toContain('does not exist');
    mkdirSync(join(directory, 'd.onnx'));
    expect(refusal(() => openModel(join(directory, 'd.onnx')))).toContain('is a directory');
  });

  it.runIf(process.platform !== 'win32')('because it is a FIFO or device', () => {
    const fifo = join(directory, 'fifo.onnx');
    execFileSync('mkfifo', [fifo]);
    expect(refusal(() => openModel(fifo))).toContain('is not a regular file');
    expect(refusal(() => openModel('/dev/zero'))).toContain('is not a regular file');
  });
});

describe('an open model', () => {
  it('has the hash of its bytes', () => {
    const file = openModel(fixture);
    expect(file.sha256()).toBe(createHash('sha256').update(readFileSync(fixture)).digest('hex'));
    file.close();
    const long = bytesOf(len(7), len(100, new Uint8Array(2 ** 21 + 5).fill(7)));
    withModel(path, long, (opened) => {
      expect(opened.sha256()).toBe(createHash('sha256').update(long).digest('hex'));
    });
  });

  it('may be closed twice, but not read after that', () => {
    const file = openModel(fixture);
    file.close();
    file.close();
    expect(() => file.sha256()).toThrow('after it was closed');
    expect(() => [...file.model.graph.initializers.values()][0]!.read()).toThrow('after it was closed');
  });

  it('that shrinks is refused', () => {
    writeFileSync(path, modelWith({ name: 'w', dims: [2n], dataType: 1, rawData: new Uint8Array(8) }));
    const file = openModel(path);
    truncateSync(path, 20);
    expect(refusal(() => file.model.graph.initializers.get('w')!.read())).toContain('changed while it was read');
    expect(refusal(() => file.sha256())).toContain('changed while it was read');
    file.close();
  });

  it('gives each reader a buffer of its own, aligned for every view', () => {
    const file = openModel(fixture);
    for (const tensor of file.model.graph.initializers.values()) {
      const first = tensor.read();
      expect(first.bytes.byteOffset % 8).toBe(0);
      expect(tensor.read().bytes.buffer).not.toBe(first.bytes.buffer);
    }
    file.close();
  });

  it('reads attributes that have no type, as files of 2017 do', () => {
    const attributes = [
      len(5, len(1, 'f'), varint(2 * 8 + 5), [0, 0, 128, 63]),
      len(5, len(1, 'i'), int(3, 7)),
      len(5, len(1, 's'), len(4, 'text')),
      len(5, len(1, 'ints'), int(8, 1), len(8, [2, 3])),
      len(5, len(1, 'floats'), len(7, [0, 0, 128, 63])),
      len(5, len(1, 'none')),
    ];
    withModel(path, len(7, len(1, ...attributes)), ({ model }) => {
      expect([...model.graph.nodes[0]!.attributes]).toEqual([
        ['f', { kind: 'float', value: 1 }],
        ['i', { kind: 'int', value: 7 }],
        ['s', { kind: 'string', value: 'text' }],
        ['ints', { kind: 'ints', value: [1, 2, 3] }],
        ['floats', { kind: 'floats', value: [1] }],
        ['none', { kind: 'other' }],
      ]);
    });
  });

  it('takes the last of a oneof and merges messages given in pieces', () => {
    const type = (...fields: Uint8Array[]): Uint8Array => len(2, len(1, ...fields));
    const inputs = [
      len(
        11,
        len(1, 'a'),
        type(int(1, 1)),
        type(len(2, len(1, int(1, 3)))),
        type(len(2, len(1, len(2, 'n'), int(1, 4)))),
      ),
      len(11, len(1, 'b'), type(int(1, 1), len(2)), len(2, len(4))),
    ];
    withModel(path, len(7, ...inputs), ({ model }) => {
      expect(model.graph.inputs).toEqual([
        { name: 'a', dtype: 'float32', shape: [3, 4] },
        { name: 'b', dtype: 'undefined', shape: null },
      ]);
    });
  });

  it('merges a tensor or graph attribute given in pieces', () => {
    const tensor = [len(5, int(1, 2), int(2, 1)), len(5, int(1, 3), len(8, 'w')), len(5, len(9, new Uint8Array(24)))];
    const graph = [len(6, len(2, 'g'), len(1, len(4, 'A'))), len(6, len(1, len(4, 'B')))];
    withModel(path, len(7, len(1, len(5, len(1, 't'), ...tensor), len(5, len(1, 'g'), ...graph))), ({ model }) => {
      const { attributes } = model.graph.nodes[0]!;
      expect(attributes.get('t')).toMatchObject({ kind: 'tensor', value: { name: 'w', dims: [2, 3] } });
      expect(attributes.get('g')).toMatchObject({
        kind: 'graph',
        value: { name: 'g', nodes: [{ opType: 'A' }, { opType: 'B' }] },
      });
    });
  });
});

describe('a Constant node', () => {
  const constant = (...attribute: (Uint8Array | readonly number[])[]): OnnxNode =>
    withModel(
      path,
      len(7, len(1, len(2, 'c'), len(4, 'Constant'), len(5, ...attribute))),
      ({ model }) => model.graph.nodes[0]!,
    );
  const one = [0, 0, 128, 63];

  it('is a tensor, whatever it is written as', () => {
    const tensors = [
      constant(len(1, 'value'), int(20, 4), len(5, int(2, 7), int(1, 1), len(9, new Uint8Array(8)))),
      constant(len(1, 'value_float'), int(20, 1), varint(2 * 8 + 5), one),
      constant(len(1, 'value_floats'), int(20, 6), len(7, one, one)),
      constant(len(1, 'value_int'), int(20, 2), int(3, -5)),
      constant(len(1, 'value_ints'), int(20, 7), len(8, [1, 2])),
    ].map((node) => constantTensor(node)!);
    expect(tensors.map(({ name, dtype, dims, elements }) => [name, dtype, dims, elements])).toEqual([
      ['', 'int64', [1], 1],
      ['c', 'float32', [], 1],
      ['c', 'float32', [2], 2],
      ['c', 'int64', [], 1],
      ['c', 'int64', [2], 2],
    ]);
    const file = openModel(fixture);
    const values = tensors.slice(1).map((tensor) => tensor.read());
    expect(values.map((data) => (data.dtype === 'int64' ? toIntegers(data) : [...toFloat32(data)]))).toEqual([
      [1],
      [1, 1],
      [-5],
      [1, 2],
    ]);
    file.close();
  });

  it('is null for strings, sparse values and other nodes', () => {
    expect(constantTensor(constant(len(1, 'value_string'), int(20, 3), len(4, 'x')))).toBeNull();
    expect(constantTensor(constant(len(1, 'sparse_value'), int(20, 11), len(22)))).toBeNull();
    expect(constantTensor({ ...constant(len(1, 'value_int'), int(3, 1)), opType: 'Relu' })).toBeNull();
    expect(constantTensor({ ...constant(len(1, 'value_int'), int(3, 1)), domain: 'com.example' })).toBeNull();
  });
});
