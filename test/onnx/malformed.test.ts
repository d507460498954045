import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors/input-error.ts';
import { openModel } from '../../src/files/index.ts';
import { constantTensor, type OnnxGraph } from '../../src/onnx/index.ts';
import { bytesOf, int, len, refusal, temporaryDirectory, varint, withModel } from './support.ts';

const path = join(temporaryDirectory(), 'model.onnx');
const fixture = (name: string): Buffer => readFileSync(new URL(`../fixtures/onnx/${name}`, import.meta.url));
const open = (content: Uint8Array): void => withModel(path, content, () => undefined);

/** Messages nested by repeating their header from the inside out. */
function nested(levels: number, wrap: (inner: Uint8Array) => Uint8Array): Uint8Array {
  let content = new Uint8Array(0);
  for (let i = 0; i < levels; i++) content = new Uint8Array(wrap(content));
  return content;
}

describe('bytes that are not protobuf', () => {
  const group = (levels: number): Uint8Array =>
    bytesOf(new Uint8Array(levels).fill(0x0b), new Uint8Array(levels).fill(0x0c));
  const subgraphs = (levels: number): Uint8Array =>
    len(
      7,
      nested(levels, (inner) => len(1, len(5, len(6, inner)))),
    );

  it.each([
    ['a varint of eleven bytes', bytesOf([0x08], new Uint8Array(10).fill(0x80), [1]), 'longer than ten bytes'],
    ['a varint that never ends', bytesOf([0x08], new Uint8Array(5000).fill(0xff)), 'longer than ten bytes'],
    ['a cut-off varint', bytesOf([0x08, 0x80]), 'cut off'],
    ['a length past the end', bytesOf([0x3a, 0x05], 'abc'), 'runs past the end'],
    ['a length of 2^63', bytesOf([0x3a], varint(2n ** 63n)), 'runs past the end'],
    ['a length of 2^64 - 1', bytesOf([0x3a], varint(2n ** 64n - 1n)), 'runs past the end'],
    ['a child longer than its parent', bytesOf(len(7, [0x0a, 0x7f]), new Uint8Array(200)), 'runs past the end'],
    ['a varint that leaves its message', bytesOf([0x3a, 0x02, 0x50, 0x80, 0x01]), 'runs past the end of its message'],
    ['a packed list cut inside an entry', len(7, len(5, [0x0a, 0x01, 0x80, 0x01])), 'runs past the end of its message'],
    ['a fixed64 that leaves its message', bytesOf(len(7, [0xc1, 0x3e, 1]), new Uint8Array(20)), 'runs past the end'],
    ['field number 0', bytesOf([0x02, 0x00]), 'number 0'],
    ['field number 0, written long', bytesOf([0x82, 0x00, 0x00]), 'impossible number'],
    ['a tag of more than 32 bits', bytesOf(varint(2n ** 35n + 8n), [0], len(7)), 'impossible number'],
    ['a fixed32 cut off at the end', bytesOf(len(7), varint(902 * 8 + 5), [1, 2]), 'runs past the end'],
    ['wire type 6', bytesOf([0x0e]), 'unknown wire type'],
    ['wire type 7', bytesOf([0x0f]), 'unknown wire type'],
    ['a group end alone', bytesOf([0x0c]), 'never began'],
    ['a group without an end', bytesOf([0x0b, 0x08, 0x01]), 'no end'],
    ['a group ended by another', bytesOf([0x0b, 0x14]), 'never began'],
    ['100,000 nested groups', group(100_000), 'groups are nested more than 100 deep'],
    ['100,000 open groups', group(100_000).subarray(0, 100_000), 'groups are nested more than 100 deep'],
    ['nested groups in a graph', len(7, group(100)), 'groups are nested more than 100 deep'],
    ['5,000 nested subgraphs', subgraphs(5_000), 'messages are nested more than 100 deep'],
    ['no graph', int(1, 8), 'no graph'],
    ['a name of 2 MiB', len(7, len(2, new Uint8Array(2 ** 21).fill(97))), 'a name is 2097152 bytes long'],
    [
      'two attributes of one name',
      len(7, len(1, len(5, len(1, 'a')), len(5, len(1, 'a')))),
      'attribute a: is given twice',
    ],
  ])('%s is refused', (_, content, message) => {
    const text = refusal(() => open(content));
    expect(text).toContain(message);
    expect(text).toContain(path);
    expect(text).not.toMatch(/\n/);
  });

  it('up to the limits are read', () => {
    open(bytesOf(group(100), len(7)));
    open(bytesOf([0x08], varint(1, 10), len(7)));
    open(subgraphs(25));
    const long = `${'ä'.repeat(2 ** 19 - 1)}!?`;
    withModel(path, len(7, len(1, len(4, long), len(3, 'next'))), ({ model }) => {
      expect(model.graph.nodes[0]).toMatchObject({ opType: long, name: 'next' });
    });
  });

  it('more nodes than memory should hold are refused, not built', () => {
    const nodes = new Uint8Array(5_000_000);
    for (let i = 0; i < nodes.length; i += 2) nodes[i] = 0x0a;
    expect(refusal(() => open(len(7, nodes)))).toContain('bytes of memory');
  }, 30_000);

  it('attributes too long to be of use are passed over', () => {
    const blob = new Uint8Array(3 * 2 ** 20).fill(97);
    const node = len(
      1,
      len(5, len(1, 'blob'), int(20, 3), len(4, blob)),
      len(5, len(1, 'list'), int(20, 8), len(9, blob)),
      len(4, 'Op'),
    );
    withModel(path, len(7, node), ({ model }) => {
      expect(model.graph.nodes[0]).toMatchObject({
        opType: 'Op',
        attributes: new Map([
          ['blob', { kind: 'other' }],
          ['list', { kind: 'other' }],
        ]),
      });
    });
  });

  it('fields with another wire type than onnx.proto gives them are unknown fields', () => {
    withModel(path, bytesOf(len(1, 'not a number'), len(7, int(2, 5), len(2, 'g'))), ({ model }) => {
      expect(model).toMatchObject({ irVersion: 0, graph: { name: 'g' } });
    });
  });
});

/** Opens the file and reads every tensor; an InputError is the only failure that a bad file may cause. */
function readEverything(content: Uint8Array): 'read' | 'refused' {
  writeFileSync(path, content);
  try {
    const file = openModel(path);
    try {
      let tensors = 0;
      const visit = (graph: OnnxGraph): void => {
        for (const tensor of [...graph.initializers.values(), ...graph.nodes.map(constantTensor)]) {
          tensors++;
          try {
            if (tensor !== null) tensor.read();
          } catch (error) {
            if (!(error instanceof InputError)) throw error;
          }
        }
      };
      visit(file.model.graph);
      return tensors >= 0 ? 'read' : 'refused';
    } finally {
      file.close();
    }
  } catch (error) {
    if (error instanceof InputError && !error.message.includes('\n')) return 'refused';
    throw error;
  }
}

describe('a damaged model is read or refused, never anything else', { timeout: 30_000 }, () => {
  it('cut off at every byte', () => {
    const whole = fixture('mixed.onnx');
    const outcomes = Array.from({ length: whole.length }, (_, length) => readEverything(whole.subarray(0, length)));
    expect(readEverything(whole)).toBe('read');
    // Only a cut between two fields of the outermost message can leave a model behind.
    expect(outcomes.filter((outcome) => outcome === 'read').length).toBeLessThan(10);
  });

  it('cut off anywhere in a model from an exporter', () => {
    const whole = fixture('../golden/shared_conv_nchw/pruned.onnx');
    fc.assert(
      fc.property(fc.nat(whole.length - 1), (length) => void readEverything(whole.subarray(0, length))),
      { numRuns: 300 },
    );
  });

  it('with bytes changed', () => {
    const whole = fixture('mixed.onnx');
    const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        const damaged = Uint8Array.from(whole);
        for (const [at, byte] of changes) damaged[at] = byte;
        readEverything(damaged);
      }),
      { numRuns: 1500 },
    );
  });

  it('with bytes put in or taken out', () => {
    const whole = fixture('mixed.onnx');
    fc.assert(
      fc.property(fc.nat(whole.length), fc.nat(20), fc.uint8Array({ maxLength: 20 }), (at, gone, put) => {
        readEverything(bytesOf(whole.subarray(0, at), put, whole.subarray(at + gone)));
      }),
      { numRuns: 1000 },
    );
  });

  it('that is random', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (content) => void readEverything(content)),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (content) => void readEverything(len(7, len(5, content)))),
      { numRuns: 1000 },
    );
  });
});
