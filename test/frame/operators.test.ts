import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const src = join(import.meta.dirname, '../../src');

describe('an operator is one place', () => {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !/^(onnx|network)\//.test(file.replaceAll('\\', '/')),
  );

  it('no folder but onnx/ and network/ looks at the operators of nodes', () => {
    expect(files.length).toBeGreaterThan(100);
    expect(files.filter((file) => readFileSync(join(src, file), 'utf8').includes('opType'))).toEqual([]);
  });

  it('nor decides by the name of one: `Input` alone is no operator of ONNX', () => {
    const decides = /(?<!typeof )\bop\s*[!=]==\s*'(?!Input')|\.has\((?:\w+\.)*op\)|\w\[(?:\w+\.)*op\]/;
    expect(["layer.op === 'Add'", 'MERGING.has(layer.op)', 'NORMS[op]'].every((line) => decides.test(line))).toBe(true);
    const lines = files.flatMap((file) =>
      readFileSync(join(src, file), 'utf8')
        .split('\n')
        .flatMap((line) => (decides.test(line) ? [`${file}: ${line.trim()}`] : [])),
    );
    expect(lines).toEqual([]);
  });

  it('and within network/ only operators/ has tables of them', () => {
    const files = readdirSync(join(src, 'network'), { recursive: true, encoding: 'utf8' })
      .map((file) => file.replaceAll('\\', '/'))
      .filter((file) => file.endsWith('.ts') && !file.startsWith('operators/'));
    const tables = files.filter((file) =>
      /new Set(<\w+>)?\(\[\s*'[A-Z][a-z]+'/.test(readFileSync(join(src, 'network', file), 'utf8')),
    );
    // Which operators no module of torch.nn has inside it, or keras2onnx gives no layer's name, is a matter of names.
    expect(tables.sort()).toEqual(['names/keras2onnx.ts', 'names/torch.ts']);
  });
});
