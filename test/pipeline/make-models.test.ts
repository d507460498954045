import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import { check } from '../../src/pipeline/check.ts';
import type { Host } from '../../src/pipeline/host.ts';
import { makeModels } from '../../src/pipeline/make-models.ts';

const work = mkdtempSync(join(tmpdir(), 'prunegate-made-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));
const example = join(import.meta.dirname, '../../examples/mobilenet-v2');
const at = (name: string): string => join(work, name);

function requested(run: string) {
  writeFileSync(
    at('prunegate.yml'),
    JSON.stringify({
      dense: join(work, 'dense.onnx'),
      pruned: at('pruned.onnx'),
      reported: at('kept.json'),
      spec: join(example, 'prune.yaml'),
      prune: { run, 'working-directory': work },
    }),
  );
  copyFileSync(join(example, 'dense.onnx'), at('dense.onnx'));
  const [request] = loadRequests(settingsFromFlags({ config: at('prunegate.yml') }), work);
  return request!;
}

const MADE = `cp ${join(example, 'pruned.onnx')} pruned.onnx; echo '{"conv1": [0]}' > kept.json`;
const HOST: Host = { version: '0', log: () => {}, isHashed: false };

describe('what the commands left', () => {
  it.each<[string, string, (path: string) => void]>([
    [
      'taken by another file of the same content',
      'pruned.onnx',
      (path) => {
        copyFileSync(path, `${path}.new`);
        renameSync(`${path}.new`, path);
      },
    ],
    [
      'written anew with the times of before',
      'pruned.onnx',
      (path) => {
        writeFileSync(path, readFileSync(path));
        utimesSync(path, 1, 1);
      },
    ],
    ['gone', 'pruned.onnx', (path) => rmSync(path)],
    ['the dense model of another run', 'dense.onnx', (path) => writeFileSync(path, readFileSync(path))],
    ['the report of another run', 'kept.json', (path) => writeFileSync(path, '{"conv1": [1]}')],
  ])('is not judged where it is %s', async (_, file, meddle) => {
    const { requireAsMade } = await makeModels(requested(MADE), HOST);
    requireAsMade();
    meddle(at(file));
    expect(requireAsMade).toThrow(`${at(file)}: was changed while it was checked`);
  });

  it('is judged where nobody touched it', async () => {
    const { report } = await check({ ...requested(MADE), reported: null }, HOST);
    expect(report.verdict).toBe('conforms');
  });
});
