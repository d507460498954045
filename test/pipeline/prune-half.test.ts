import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import { openModel } from '../../src/files/index.ts';
import { check } from '../../src/pipeline/check.ts';
import { prune } from '../../src/pipeline/prune.ts';
import { declaredGoldensIn } from '../support/declared-golden.ts';
import { fileIn } from '../support/fixture-files.ts';
import { FIXTURES, goldensIn } from '../support/golden.ts';
import { CONVERTERS, convertModel } from '../support/narrow-model.ts';
import { rewrite } from '../support/rewrite.ts';
import { torchGoldensIn } from '../support/torch-golden.ts';

const work = mkdtempSync(join(tmpdir(), 'prunegate-prune-half-'));
const tao = goldensIn(join(FIXTURES, 'golden')).find(({ name }) => name === 'seed_mobilenet_v2')!;
const tf1 = join(FIXTURES, 'golden_tf1/vgg_flatten_nchw');
const torch = torchGoldensIn(join(FIXTURES, 'torch')).find(({ name }) => name === 'se_0')!;
const { network, prune: ofTf1 } = JSON.parse(readFileSync(join(tf1, 'golden.json'), 'utf8'));
const MODELS = [
  ['tao-tf2', tao.folder, { prune: JSON.parse(readFileSync(join(tao.folder, 'golden.json'), 'utf8')).prune }],
  ['tao-tf1', tf1, { dialect: 'tao-tf1', network, prune: ofTf1 }],
  ['torch-pruning', torch.folder, torch.spec],
] as const;

let specs = 0;
function requestOf(spec: object, dense: string, pruned: string | null = null) {
  const path = join(work, `${++specs}.json`);
  writeFileSync(path, JSON.stringify(spec));
  return loadRequests(settingsFromFlags({ dense, spec: path, ...(pruned === null ? {} : { pruned }) }), work)[0]!;
}
const checked = async (spec: object, dense: string, pruned: string) =>
  (await check(requestOf(spec, dense, pruned), { version: 'test', isHashed: false, log() {} })).report;

describe('the built-in pruner of a model in half precision', () => {
  it.each(MODELS)('cuts it as the numbers that stand in it rank filters, %s', async (dialect, folder, spec) => {
    const float32 = fileIn(folder, 'dense.onnx');
    for (const [dtype, converter] of [['float16', CONVERTERS.half] as const, ['bfloat16', CONVERTERS.brain] as const]) {
      const dense = convertModel(float32, join(work, `${dialect}-${dtype}.onnx`), converter);
      const out = join(work, `${dialect}-${dtype}-pruned.onnx`);
      await prune(requestOf(spec, dense), out, 'test');
      const file = openModel(out);
      const dtypes = new Set([...file.model.graph.initializers.values()].map((tensor) => tensor.dtype));
      file.close();
      expect(dtypes.has(dtype) && !dtypes.has('float32')).toBe(true);
      const { findings, layers } = await checked(spec, dense, out);
      expect(findings).toEqual([]);
      for (const { verdict } of layers) expect(['match', 'ambiguous']).toContain(verdict);
      // Eleven digits of float16 rank these filters as float32 does.
      if (dtype === 'float16') expect((await checked(spec, float32, out)).verdict).toBe('conforms');
    }
  });

  it('says why it does not where weights lie so near to 0 that a right model could be called wrong', async () => {
    const [, , spec] = MODELS[0];
    const near = (scale: number): string => {
      const scaled = rewrite(fileIn(tao.folder, 'dense.onnx'), join(work, `near-${scale}.onnx`), (graph) => {
        for (const tensor of graph.initializer) {
          if (tensor.dims.length !== 4 || tensor.dataType !== 1) continue;
          const values = new Float32Array(Uint8Array.from(tensor.rawData).buffer).map((value) => value * scale);
          tensor.rawData = new Uint8Array(values.buffer);
        }
      });
      return convertModel(scaled, join(work, `near-half-${scale}.onnx`), CONVERTERS.half);
    };
    await prune(requestOf(spec, near(2 ** -4)), join(work, 'far-pruned.onnx'), 'test');
    await expect(prune(requestOf(spec, near(2 ** -16)), join(work, 'near-pruned.onnx'), 'test')).rejects.toThrow(
      /lie so near to 0 that half precision keeps too few of their digits to rank by\. Export the dense model in float32/,
    );
  });

  it.each([
    ['onnxsim_l1_mobile_050', 'stem.0 has float16 weights'],
    ['slim_res_whole_050', 'the BatchNorm behind .+ has float16 weights'],
  ])('says why it does not where the rule is the user’s own, %s', async (name, what) => {
    const golden = declaredGoldensIn(join(FIXTURES, 'declared')).find((one) => one.name === name)!;
    const dense = convertModel(fileIn(golden.folder, 'dense.onnx'), join(work, `${name}.onnx`), CONVERTERS.half);
    await expect(prune(requestOf(golden.spec, dense), join(work, `${name}-pruned.onnx`), 'test')).rejects.toThrow(
      new RegExp(
        `${what}, and the pruner may have ranked what they were rounded from\\. Export the dense model in float32`,
      ),
    );
  });
});
