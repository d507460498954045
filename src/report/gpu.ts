import type { Gpu } from '../process/index.ts';

/** `GPU 0: NVIDIA A100-SXM4-40GB, 40960 MiB, driver 550.54.15, GPU-...`. */
export function describeGpu({ index, name, memoryMiB, driver, uuid }: Gpu): string {
  return `GPU ${index}: ${name}${memoryMiB === null ? '' : `, ${memoryMiB} MiB`}, driver ${driver}, ${uuid}`;
}
