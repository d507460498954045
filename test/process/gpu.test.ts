import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listGpus } from '../../src/process/index.ts';
import { describeGpu } from '../../src/report/index.ts';

const A = 'GPU-8f6a1c9e-0d52-4b7e-9a2c-1f3b5d7e9a01';
const B = 'GPU-8f6b2d0f-1e63-5c8f-ab3d-204c6e8fab12';
const MIG = 'MIG-41b3359c-e721-56e5-8009-12e5797ed514';

/** A folder with an nvidia-smi that prints this, and exits so. */
function nvidiaSmi(lines: readonly string[], status = 0, listed: readonly string[] = []): string {
  const bin = mkdtempSync(join(tmpdir(), 'prunegate-smi-'));
  const print = (all: readonly string[]): string => all.map((line) => `echo '${line}'`).join('\n');
  const script = `#!/bin/sh\nif [ "$1" = -L ]; then\n:\n${print(listed)}\nexit 0\nfi\n${print(lines)}\nexit ${status}\n`;
  writeFileSync(join(bin, 'nvidia-smi'), script);
  chmodSync(join(bin, 'nvidia-smi'), 0o755);
  return bin;
}

const TWO = nvidiaSmi(
  [`0, NVIDIA A100-SXM4-40GB, 550.54.15, 40960, ${A}`, `1, NVIDIA GB10, 550.54.15, [N/A], ${B}`],
  0,
  [
    `GPU 0: NVIDIA A100-SXM4-40GB (UUID: ${A})`,
    `GPU 1: NVIDIA GB10 (UUID: ${B})`,
    `  MIG 1g.5gb      Device  0: (UUID: ${MIG})`,
  ],
);

async function visible(CUDA_VISIBLE_DEVICES?: string, bin = TWO): Promise<unknown> {
  const facts = await listGpus({
    PATH: bin,
    ...(CUDA_VISIBLE_DEVICES === undefined ? {} : { CUDA_VISIBLE_DEVICES }),
  });
  return facts.kind === 'none' ? facts.reason : facts.gpus.map(({ index }) => index);
}

describe('listGpus', () => {
  it('reads name, driver, memory and UUID', async () => {
    const facts = await listGpus({ PATH: TWO });
    expect(facts.kind === 'gpus' && facts.gpus.map(describeGpu)).toEqual([
      `GPU 0: NVIDIA A100-SXM4-40GB, 40960 MiB, driver 550.54.15, ${A}`,
      `GPU 1: NVIDIA GB10, driver 550.54.15, ${B}`,
    ]);
  });

  it.each([
    [undefined, [0, 1]],
    ['1', [1]],
    ['1,0', [1, 0]],
    [' 0 , 1 ', [0, 1]],
    [B, [1]],
    ['GPU-8f6b', [1]],
    ['0,7,1', [0]],
    [`1,-1,0`, [1]],
    [MIG, [1]],
    ['GPU-8f6', 'CUDA_VISIBLE_DEVICES is "GPU-8f6", which hides all 2'],
    ['', 'CUDA_VISIBLE_DEVICES is "", which hides all 2'],
    ['-1', 'CUDA_VISIBLE_DEVICES is "-1", which hides all 2'],
    ['NoDevFiles', 'CUDA_VISIBLE_DEVICES is "NoDevFiles", which hides all 2'],
    ['MIG-unknown', 'CUDA_VISIBLE_DEVICES is "MIG-unknown", which hides all 2'],
  ])('sees of CUDA_VISIBLE_DEVICES=%s what CUDA does: %j', async (value, expected) => {
    expect(await visible(value)).toEqual(expected);
  });

  it('says why there is none', async () => {
    expect(await visible(undefined, '/nowhere')).toBe('nvidia-smi is not on the PATH');
    const failed = 'NVIDIA-SMI has failed because it couldn-t communicate with the NVIDIA driver.';
    expect(await visible(undefined, nvidiaSmi([failed], 9))).toBe(`nvidia-smi failed with exit status 9: ${failed}`);
    expect(await visible(undefined, nvidiaSmi([]))).toBe('nvidia-smi lists none');
    expect(await visible(undefined, nvidiaSmi([], 255))).toMatch(/failed with exit status 255$/);
    expect(await visible(undefined, nvidiaSmi(['No devices were found']))).toBe('nvidia-smi lists none');
  });
});
