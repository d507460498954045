import { closeSync, ftruncateSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openModel } from '../../src/files/index.ts';
import { toFloat32 } from '../../src/onnx/index.ts';
import { readTensorData } from '../../src/onnx/read-tensor.ts';
import { bytesOf, int, len, modelOf, onlyTensor, refusal, temporaryDirectory, varint } from './support.ts';

const directory = temporaryDirectory();
const path = join(directory, 'large.onnx');
const GIB = 2 ** 30;

/** A length-delimited field's head, whose content lies in the file's hole. */
const head = (field: number, length: number): Uint8Array => bytesOf(varint(field * 8 + 2), varint(length));
const size = (bytes: Uint8Array, hole: number): number => bytes.length + hole;

/** A sparse model: a weight of 2.5 GiB, one of 3 GiB, then a small one and a node beyond 2^32. False where holes take space. */
function writeSparse(): boolean {
  const large = (name: string, bytes: number): { readonly bytes: Uint8Array; readonly hole: number } => {
    const fields = bytesOf(int(1, bytes / 4), int(2, 1), len(8, name), head(9, bytes));
    return { bytes: bytesOf(head(5, size(fields, bytes)), fields), hole: bytes };
  };
  const pieces = [large('first', 2.5 * GIB), large('second', 3 * GIB)];
  const small = len(5, int(1, 2), int(2, 1), len(8, 'small'), len(9, new Uint8Array(Float32Array.of(1.5, -2).buffer)));
  const tail = bytesOf(small, len(1, len(1, 'x'), len(2, 'y'), len(4, 'Relu')));
  const graph = pieces.reduce((sum, { bytes, hole }) => sum + size(bytes, hole), tail.length);
  const descriptor = openSync(path, 'w');
  try {
    let at = writeSync(descriptor, bytesOf(int(1, 8), head(7, graph)), 0, undefined, 0);
    for (const { bytes, hole } of pieces) at += writeSync(descriptor, bytes, 0, undefined, at) + hole;
    at += writeSync(descriptor, tail, 0, undefined, at);
    ftruncateSync(descriptor, at);
  } catch {
    return false;
  } finally {
    closeSync(descriptor);
  }
  // Blocks of 512 bytes: a file system without holes would have to write all of it.
  return statSync(path).blocks * 512 < GIB;
}

const sparse = writeSparse();
if (!sparse) rmSync(path, { force: true });

describe.runIf(sparse)('a file beyond 4 GiB', () => {
  it('is read at offsets beyond 2^32, in bounded memory', () => {
    const before = process.memoryUsage.rss();
    const file = openModel(path);
    expect(file.model.source.size).toBeGreaterThan(5 * GIB);
    expect(file.model.graph.nodes[0]?.opType).toBe('Relu');
    const small = file.model.graph.initializers.get('small')!;
    expect(small.storage).toMatchObject({ kind: 'raw' });
    expect([...toFloat32(small.read())]).toEqual([1.5, -2]);
    expect(file.model.graph.initializers.get('second')).toMatchObject({ elements: 0.75 * GIB });
    file.close();
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 * 2 ** 20);
  });

  it('whose tensor does not fit in memory is refused, not crashed on', () => {
    const file = openModel(path);
    const tensor = file.model.graph.initializers.get('second')!;
    const huge = { ...tensor, elements: 2 ** 48, dims: [2 ** 48] };
    expect(refusal(() => readTensorData(file.model.source, huge, undefined))).toContain(
      'tensor second: its 1125899906842624 bytes do not fit in memory',
    );
    file.close();
  });
});

describe('a small file that claims large tensors', () => {
  const claims = [int(1, 2 ** 28), int(2, 7), len(8, 'w')];
  const location = len(13, len(1, 'location'), len(2, 'claim.onnx'));

  it.each([
    ['int64_data', [len(7, [1, 2, 3])], 'does not have as many elements'],
    ['unpacked int64_data', [int(7, 1)], 'does not have as many elements'],
    ['external data', [int(14, 1), location], 'needs bytes 0 to 2147483648'],
  ])('in %s is refused before anything is allocated', (_, fields, message) => {
    const claim = join(directory, 'claim.onnx');
    writeFileSync(claim, modelOf(...claims, ...fields));
    const file = openModel(claim);
    const before = process.memoryUsage().arrayBuffers;
    expect(refusal(() => onlyTensor(file).read())).toContain(message);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
    file.close();
  });
});
