import { askProgram } from './program.ts';

export interface Gpu {
  /** As nvidia-smi counts them, by PCI bus. */
  readonly index: number;
  readonly name: string;
  readonly driver: string;
  /** null where the GPU has no memory of its own (Jetson, GB10). */
  readonly memoryMiB: number | null;
  readonly uuid: string;
}

export type GpuFacts =
  | { readonly kind: 'gpus'; readonly gpus: readonly Gpu[] }
  /** `reason` is a whole clause. */
  | { readonly kind: 'none'; readonly reason: string };

type Environment = Readonly<Record<string, string | undefined>>;

const QUERY = ['--query-gpu=index,name,driver_version,memory.total,uuid', '--format=csv,noheader,nounits'];
/** nvidia-smi wakes the driver up, which takes seconds, and hangs where the driver does. */
const TIMEOUT_MS = 30_000;

/** The GPUs that CUDA programs see in this environment. */
export async function listGpus(env: Environment): Promise<GpuFacts> {
  const answer = await askProgram('nvidia-smi', QUERY, env, TIMEOUT_MS);
  if (answer.kind === 'failed') return { kind: 'none', reason: `nvidia-smi ${answer.problem}` };
  const gpus = answer.stdout.split('\n').flatMap((line) => gpuOf(line) ?? []);
  if (gpus.length === 0) return { kind: 'none', reason: 'nvidia-smi lists none' };
  const wanted = env['CUDA_VISIBLE_DEVICES'];
  if (wanted === undefined) return { kind: 'gpus', gpus };
  const instances = wanted.includes('MIG-') ? await migInstances(env) : new Map<string, string>();
  const visible = visibleGpus(gpus, wanted, instances);
  if (visible.length > 0) return { kind: 'gpus', gpus: visible };
  return { kind: 'none', reason: `CUDA_VISIBLE_DEVICES is ${JSON.stringify(wanted)}, which hides all ${gpus.length}` };
}

function gpuOf(line: string): Gpu | null {
  const [index = '', name = '', driver = '', memory = '', uuid = ''] = line.split(',').map((cell) => cell.trim());
  if (!/^\d+$/.test(index) || !uuid.startsWith('GPU-')) return null;
  return { index: Number(index), name, driver, memoryMiB: /^\d+$/.test(memory) ? Number(memory) : null, uuid };
}

/**
 * What CUDA makes of CUDA_VISIBLE_DEVICES: indices or unambiguous beginnings of UUIDs, up to the first that is none (CUDA C++ Programming Guide,
 * environment variables). Indices are taken for nvidia-smi's, which they are where CUDA_DEVICE_ORDER is PCI_BUS_ID or the GPUs are alike.
 */
function visibleGpus(gpus: readonly Gpu[], wanted: string, instances: ReadonlyMap<string, string>): readonly Gpu[] {
  const visible: Gpu[] = [];
  for (const word of wanted.split(',').map((each) => each.trim())) {
    const uuid = instances.get(word) ?? word;
    const meant = /^\d+$/.test(word)
      ? gpus.filter(({ index }) => index === Number(word))
      : gpus.filter((gpu) => uuid.startsWith('GPU-') && gpu.uuid.startsWith(uuid));
    const [gpu] = meant;
    if (meant.length !== 1 || gpu === undefined) break;
    if (!visible.includes(gpu)) visible.push(gpu);
  }
  return visible;
}

/** The GPU of each MIG instance, by their UUIDs: `nvidia-smi -L` lists instances below their GPU. */
async function migInstances(env: Environment): Promise<ReadonlyMap<string, string>> {
  const answer = await askProgram('nvidia-smi', ['-L'], env, TIMEOUT_MS);
  const instances = new Map<string, string>();
  let gpu = '';
  for (const line of answer.kind === 'done' ? answer.stdout.split('\n') : []) {
    gpu = /\(UUID: (GPU-[^()]+)\)/.exec(line)?.[1] ?? gpu;
    const instance = /\(UUID: (MIG-[^()]+)\)/.exec(line)?.[1];
    if (instance !== undefined) instances.set(instance, gpu);
  }
  return instances;
}
