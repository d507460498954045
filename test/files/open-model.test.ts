import { appendFileSync, copyFileSync, mkdtempSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { modelParts, openModel } from '../../src/files/index.ts';
import { modelWith } from '../onnx/support.ts';

/** A model with a tensor of two floats in a file beside it. */
function external(): { readonly path: string; readonly data: string } {
  const folder = mkdtempSync(join(tmpdir(), 'prunegate-files-'));
  const [path, data] = [join(folder, 'model.onnx'), join(folder, 'model.data')];
  const externalData = [{ key: 'location', value: 'model.data' }];
  writeFileSync(path, modelWith({ name: 'w', dims: [2n], dataType: 1, dataLocation: 1, externalData }));
  writeFileSync(data, new Uint8Array(8));
  return { path, data };
}

const CHANGES: readonly (readonly [string, (path: string) => void])[] = [
  ['was written to', (path) => appendFileSync(path, 'x')],
  [
    'was written to, its time set back',
    (path) => {
      const { atime, mtime } = statSync(path);
      writeFileSync(path, Buffer.alloc(statSync(path).size, 1));
      utimesSync(path, atime, mtime);
    },
  ],
  [
    'was exchanged for another of the same size',
    (path) => {
      copyFileSync(path, `${path}.new`);
      renameSync(`${path}.new`, path);
    },
  ],
];

describe.each(['path', 'data'] as const)('an open model (%s)', (part) => {
  it('is what was read as long as nobody touches it', () => {
    const file = openModel(external().path);
    file.model.graph.initializers.get('w')!.read();
    expect(() => file.requireUnchanged()).not.toThrow();
    file.close();
  });

  it.each(CHANGES)('is refused once it %s', (_, change) => {
    const files = external();
    const file = openModel(files.path);
    file.model.graph.initializers.get('w')!.read();
    change(files[part]);
    expect(() => file.requireUnchanged()).toThrow('was changed while it was checked; write it once, then check it');
    file.close();
  });
});

it('names the files of a model, as far as it can be read', () => {
  const { path, data } = external();
  expect(modelParts(path)).toEqual([path, data]);
  writeFileSync(path, 'no model');
  expect(modelParts(path)).toEqual([path]);
  expect(modelParts(join(path, 'missing'))).toEqual([join(path, 'missing')]);
});
