import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { foldedReference } from '../../../src/recovery/align/same-model.ts';
import { fileIn } from '../../support/fixture-files.ts';
import { FIXTURES, goldensIn, networkOf } from '../../support/golden.ts';
import { CONVERTERS, type Converter, convertModel } from '../../support/narrow-model.ts';
import { rewrite } from '../../support/rewrite.ts';

const work = mkdtempSync(join(tmpdir(), 'prunegate-same-model-'));
const { folder } = goldensIn(join(FIXTURES, 'golden')).find(({ name }) => name === 'seed_mobilenet_v2')!;
const [DENSE, FOLDED] = [fileIn(folder, 'dense.onnx'), fileIn(folder, 'dense.folded.onnx')];
const { half, onnxruntime, common, brain, double } = CONVERTERS;

let files = 0;
const path = (): string => join(work, `${++files}.onnx`);
const stored = (file: string, converter: Converter | null): string =>
  converter === null ? file : convertModel(file, path(), converter);

/** Twice one weight in a hundred of the first kernel. */
function altered(file: string): string {
  return rewrite(file, path(), (graph) => {
    const kernel = graph.initializer.find(({ dims, dataType }) => dims.length === 4 && dataType === 1)!;
    const values = new Float32Array(Uint8Array.from(kernel.rawData).buffer);
    for (let k = 0; k < values.length; k += 100) values[k]! *= 2;
    kernel.rawData = new Uint8Array(values.buffer);
  });
}

const MIXES: readonly (readonly [string, Converter | null, Converter | null])[] = [
  ['both in float32', null, null],
  ['the folded one in float16', null, half],
  ['the folded one as onnxruntime converts it', null, onnxruntime],
  ['the folded one as onnxconverter_common does', null, common],
  ['the folded one in bfloat16', null, brain],
  ['both in float16', half, half],
  ['the dense one in float16', half, null],
  ['both in float64', double, double],
];

describe('a folded export of the dense model', () => {
  it.each(MIXES)('is known to be it, %s, and another is not', (_, dense, folded) => {
    const own = networkOf(stored(DENSE, dense));
    expect(foldedReference(own, networkOf(stored(FOLDED, folded)))).not.toHaveProperty('difference');
    expect(foldedReference(own, networkOf(stored(altered(FOLDED), folded)))).toEqual({
      difference: expect.stringMatching(/^the weights of .+ are others there$/),
    });
  });
});
