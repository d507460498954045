import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { casesOf } from '../../src/execution/cases.ts';
import type { ResolvedInput } from '../../src/execution/input-shapes.ts';

const work = mkdtempSync(join(tmpdir(), 'prunegate-cases-'));

/** The bytes of four elements as numpy writes them. */
function npy(descr: string, elements: Uint16Array | Float32Array | Float64Array): string {
  const path = join(work, `${descr.slice(1)}.npy`);
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (4,), }`.padEnd(117);
  const start = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, header.length + 1, 0]);
  writeFileSync(path, Buffer.concat([start, Buffer.from(`${header}\n`), Buffer.from(elements.buffer)]));
  return path;
}

const input = (denseType: ResolvedInput['type'], type: ResolvedInput['type']): ResolvedInput => ({
  ...{ name: 'x', dense: 'input', type, denseType, shape: [4], source: null },
});
const HALVES = Uint16Array.of(0x3c00, 0x2e66, 0x7bff, 0x0001);

it('models of which one was converted are fed what the narrower type holds', () => {
  const samples = [
    npy('<f2', HALVES),
    npy('<f4', Float32Array.of(1, 0.1, 65_504, 2 ** -24)),
    npy('<f8', Float64Array.of(1, 0.1, 65_504, 2 ** -24)),
  ] as const;
  for (const wide of ['float32', 'float64'] as const)
    for (const [dense, pruned] of [[wide, 'float16'] as const, ['float16', wide] as const]) {
      const [zeros, noise, , ...given] = casesOf(
        [input(dense, pruned)],
        [samples[0], samples[wide === 'float32' ? 1 : 2]],
      );
      for (const one of [zeros!, noise!, ...given])
        expect(one.feeds).toMatchObject([
          { input: { dense: 'input', pruned: 'x' }, type: 'float16', takes: { dense, pruned } },
        ]);
      for (const { feeds } of given) expect(feeds[0]!.fill).toEqual({ kind: 'given', elements: HALVES });
    }
});
