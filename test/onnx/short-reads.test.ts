import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openModel } from '../../src/files/index.ts';
import { int, len, modelWith, refusal, temporaryDirectory } from './support.ts';

/** What the mocked readSync does before it reads, and the most it returns. */
const disk = { limit: Number.POSITIVE_INFINITY, asked: [] as number[], fail: null as string | null };

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const readSync = (fd: number, target: Uint8Array, offset: number, length: number, position: number): number => {
    disk.asked.push(length);
    if (disk.fail !== null) throw Object.assign(new Error('read failed'), { code: disk.fail });
    return fs.readSync(fd, target, offset, Math.min(length, disk.limit), position);
  };
  return { ...fs, readSync };
});

const fixture = (name: string): string => new URL(`../fixtures/onnx/${name}`, import.meta.url).pathname;
const path = join(temporaryDirectory(), 'model.onnx');

afterEach(() => Object.assign(disk, { limit: Number.POSITIVE_INFINITY, asked: [], fail: null }));

function everything(name: string): unknown {
  const file = openModel(fixture(name));
  const { graph, metadata } = file.model;
  const tensors = [...graph.initializers.values()].map(({ read, part, ...header }) => ({ header, data: read() }));
  file.close();
  return { nodes: graph.nodes.map(({ name, inputs }) => [name, inputs]), metadata, tensors };
}

describe('reading', () => {
  it.each(['mixed.onnx', '../golden/shared_conv_nchw/pruned.onnx'])(
    '%s goes on where the system returns less than asked',
    (name) => {
      const whole = everything(name);
      for (const limit of [1, 3, 1000]) {
        disk.limit = limit;
        expect(everything(name)).toEqual(whole);
      }
    },
  );

  it('of a header passes over tensors instead of reading them', () => {
    const large = (name: string) => ({ name, dims: [1_000_000n], dataType: 1, rawData: new Uint8Array(4_000_000) });
    writeFileSync(path, modelWith(large('a'), large('b'), large('c')));
    disk.asked = [];
    openModel(path).close();
    expect(disk.asked.reduce((sum, length) => sum + length, 0)).toBeLessThan(100_000);
    expect(disk.asked.length).toBeLessThan(8);
  });

  it('of many nodes takes few and growing reads', () => {
    const nodes = Array.from({ length: 20_000 }, (_, i) =>
      len(1, len(1, `in${i}`), len(2, `out${i}`), len(4, 'Relu'), int(3, 1)),
    );
    writeFileSync(path, len(7, ...nodes));
    disk.asked = [];
    const { model, close } = openModel(path);
    close();
    expect(disk.asked.length).toBeLessThan(readFileSync(path).length / 100_000);
    // Names that share a slot of the cache, or lie across two reads, must still be their own.
    expect(model.graph.nodes.map((node) => node.inputs[0])).toEqual(nodes.map((_, i) => `in${i}`));
  });

  it('that fails is recognized by its cause', () => {
    disk.fail = 'EIO';
    expect(refusal(() => openModel(fixture('mixed.onnx')))).toContain('mixed.onnx: cannot be read (EIO)');
  });
});
