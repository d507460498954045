import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { rolldown } from 'rolldown';
import { beforeAll, expect, it } from 'vitest';
import type * as Entry from './browser/entry.ts';

const root = join(import.meta.dirname, '../..');
const example = join(root, 'examples/mobilenet-v2');
const bytes = (name: string): Uint8Array => new Uint8Array(readFileSync(join(example, name)));
const spec = readFileSync(join(example, 'prune.yaml'), 'utf8');

let page: typeof Entry;

beforeAll(async () => {
  // No shim and nothing external: one import of a node: module, and there is no bundle.
  const bundler = await rolldown({
    cwd: root,
    input: join(import.meta.dirname, 'browser/entry.ts'),
    platform: 'browser',
    onLog(_level, { message }) {
      throw new Error(message);
    },
  });
  const { output } = await bundler.generate({ format: 'iife', name: 'page' });
  await bundler.close();
  expect(output).toMatchObject([{ type: 'chunk', imports: [] }]);
  // What a Worker has of the web that the language has not. No process, no Buffer, no require.
  const worker = createContext({ TextDecoder, TextEncoder, atob });
  page = runInContext(`${output[0].code}; page`, worker) as typeof Entry;
});

function onCommandLine(pruned: string): unknown {
  const args = ['--dense', join(example, 'dense.onnx'), '--pruned', pruned, '--spec', join(example, 'prune.yaml')];
  const { stdout, stderr } = spawnSync(process.execPath, [
    ...[join(root, 'dist/cli.cjs'), 'check', ...args, '--format', 'json'],
  ]);
  expect(String(stderr)).toBe('');
  return JSON.parse(String(stdout));
}

it.each([
  ['pruned.onnx', 'conforms'],
  ['pruned-naive.onnx', 'diverges'],
])('checks %s without Node as the command line does', (pruned, verdict) => {
  const judgement = JSON.parse(JSON.stringify(page.check(bytes('dense.onnx'), bytes(pruned), spec)));
  const report = onCommandLine(join(example, pruned)) as Record<string, readonly Record<string, unknown>[]>;
  expect(judgement.verdict).toBe(verdict);
  expect(report['verdict']).toBe(verdict);
  // On the command line the spec has a folder.
  const findings = report['findings']!.map((finding) => {
    const place = finding['place'] as Record<string, unknown>;
    return { ...finding, place: { ...place, file: basename(String(place['file'])) } };
  });
  expect(judgement.findings).toEqual(findings);
  const layers = (judgement.layers as readonly Record<string, unknown>[]).map(
    ({ explanation: _, specKey: __, ...layer }) => layer,
  );
  expect(layers).toEqual(report['layers']!.map(({ explanation: _, ...layer }) => layer));
});

it('prunes without Node what then conforms', () => {
  const copy = page.prune(bytes('dense.onnx'), spec);
  const judgement = page.check(bytes('dense.onnx'), copy, spec) as { readonly verdict: string };
  expect(judgement.verdict).toBe('conforms');
});
