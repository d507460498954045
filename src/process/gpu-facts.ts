export interface Gpu {
  /** As nvidia-smi counts them, by PCI bus. */
  readonly index: number;
  readonly name: string;
  readonly driver: string;
  /** null where the GPU has no memory of its own (Jetson, GB10). */
  readonly memoryMiB: number | null;
  readonly uuid: string;
}

/** `GPU 0: NVIDIA A100-SXM4-40GB, 40960 MiB, driver 550.54.15, GPU-...`. */
export function describeGpu({ index, name, memoryMiB, driver, uuid }: Gpu): string {
  return `GPU ${index}: ${name}${memoryMiB === null ? '' : `, ${memoryMiB} MiB`}, driver ${driver}, ${uuid}`;
}
