import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { recoverRetention } from '../../src/recovery/index.ts';
import { fileIn } from '../support/fixture-files.ts';
import { FIXTURES, goldensIn, networkOf } from '../support/golden.ts';
import { CONVERTERS, type Converter, convertModel } from '../support/narrow-model.ts';
import { torchGoldensIn } from '../support/torch-golden.ts';

const work = mkdtempSync(join(tmpdir(), 'prunegate-half-'));
const goldens = [...goldensIn(join(FIXTURES, 'golden')), ...torchGoldensIn(join(FIXTURES, 'torch'))];
const NARROW: readonly Converter[] = Object.values(CONVERTERS).filter(({ name }) => name !== 'torch double()');

let files = 0;
const converted = (path: string, converter: Converter, isConverted?: (name: string) => boolean): string =>
  convertModel(path, join(work, `${++files}.onnx`), converter, isConverted);

/** What is wrong, what is open, and what each layer keeps, of a dense and a pruned file. */
function found(dense: string, pruned: string) {
  const { layers, elsewhere, open, extra } = recoverRetention(networkOf(dense), networkOf(pruned));
  return {
    actual: Object.fromEntries([...layers].map(([name, { actual }]) => [name, actual])),
    kinds: [...new Set([...layers.values()].map(({ kernel }) => kernel.kind))].sort(),
    wrong: [...layers.values()].flatMap(({ disagreements }) => disagreements).concat(elsewhere),
    open: [...layers.values()].flatMap((layer) => layer.open).concat(open),
    extra,
  };
}

describe('a pruned model in half precision', () => {
  it('is there in several', () => expect(goldens.length).toBeGreaterThan(10));

  it.each(goldens)('$name is the float32 one rounded, by any converter', ({ folder }) => {
    const [dense, pruned] = [fileIn(folder, 'dense.onnx'), fileIn(folder, 'pruned.onnx')];
    const expected = found(dense, pruned);
    for (const converter of NARROW)
      expect(found(dense, converted(pruned, converter)), converter.name).toEqual(expected);
  });
});
