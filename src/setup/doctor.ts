import { parse } from 'yaml';

/** What is there, or what is missing and the line that mends it. */
export interface Finding {
  readonly what: string;
  readonly state: 'ok' | 'missing' | 'note';
  /** What was found, or what is wrong, as a clause. */
  readonly said: string;
  /** A line to run or to write; null where nothing is to be done. */
  readonly remedy: string | null;
}

/** What is known of a machine; the pipeline asks it. */
export interface Machine {
  readonly node: string;
  readonly platform: string;
  /** The onnxruntime-node that would be used; null where there is none. */
  readonly runtime: { readonly folder: string; readonly version: string; readonly hasCuda: boolean } | null;
  /** GPUs by name and driver, or why there is none. */
  readonly gpus: { readonly names: readonly string[] } | { readonly reason: string };
  /** Names of the shared libraries that the dynamic linker knows; null where it cannot be asked. */
  readonly libraries: readonly string[] | null;
  /** What `docker --version` and `git --version` print; null where they cannot be started. */
  readonly docker: string | null;
  readonly git: string | null;
  /** Workflows of the repository that use prunegate, by path. */
  readonly workflows: ReadonlyMap<string, string>;
}

/** package.json, engines. */
const OLDEST_NODE = [20, 19] as const;

/** What onnxruntime-node's CUDA provider is linked with (onnxruntime 1.30, CUDA 12 and cuDNN 9: onnxruntime.ai, CUDA execution provider). */
const CUDA_LIBRARIES = ['libcudart.so.12', 'libcublasLt.so.12', 'libcublas.so.12', 'libcufft.so.11', 'libcudnn.so.9'];

/** What is there and what is missing, in the order in which a newcomer needs it. */
export function diagnose(machine: Machine): readonly Finding[] {
  return [
    node(machine),
    runtime(machine),
    ...gpu(machine),
    tool(
      'docker',
      machine.docker,
      'commands that run a pruner in its container need it: https://docs.docker.com/engine/install',
    ),
    tool('git', machine.git, 'the action needs none, workflows that compare commits do'),
    ...[...machine.workflows].flatMap(([path, text]) => permissions(path, text)),
  ];
}

function node({ node: version }: Machine): Finding {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const isOld = major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]);
  const what = 'Node.js';
  if (!isOld) return { what, state: 'ok', said: version, remedy: null };
  return {
    what,
    state: 'missing',
    said: `${version} is too old`,
    remedy: `install Node.js ${OLDEST_NODE.join('.')} or newer`,
  };
}

function runtime({ runtime: found }: Machine): Finding {
  const what = 'onnxruntime';
  if (found !== null) return { what, state: 'ok', said: `${found.version} in ${found.folder}`, remedy: null };
  return {
    what,
    state: 'missing',
    said: 'onnxruntime-node is not installed: the weights are checked, the models are not executed',
    remedy: 'npm install onnxruntime-node, or give --install-onnxruntime; the action installs it itself',
  };
}

function gpu({ gpus, runtime: found, libraries, platform }: Machine): readonly Finding[] {
  const what = 'GPU';
  if ('reason' in gpus) {
    const remedy = 'nothing to do for the CPU; require-gpu needs an NVIDIA driver, and nvidia-smi on the PATH';
    return [{ what, state: 'note', said: gpus.reason, remedy }];
  }
  const present: Finding = { what, state: 'ok', said: gpus.names.join(', '), remedy: null };
  const provider: Finding =
    found?.hasCuda === true
      ? { what: 'CUDA provider', state: 'ok', said: `in ${found.folder}`, remedy: null }
      : {
          what: 'CUDA provider',
          state: 'missing',
          said: 'the onnxruntime-node that is found has no CUDA libraries',
          remedy:
            'npm install onnxruntime-node --onnxruntime-node-install=cuda12 (npm must be allowed to run install scripts)',
        };
  if (libraries === null || platform !== 'linux') return [present, provider];
  const absent = CUDA_LIBRARIES.filter((name) => !libraries.includes(name));
  const cuda = 'CUDA 12 and cuDNN 9';
  if (absent.length === 0)
    return [present, provider, { what: cuda, state: 'ok', said: 'found by the linker', remedy: null }];
  return [
    present,
    provider,
    {
      what: cuda,
      state: 'missing',
      said: `the linker does not find ${absent.join(', ')}`,
      // A host of containers usually has a driver and Docker, and no more.
      remedy:
        'install cuda-toolkit-12 and cudnn9-cuda-12, or run prunegate in a container that has them: docker run --gpus all -v "$PWD:/work" -w /work nvidia/cuda:12.9.1-cudnn-runtime-ubuntu24.04',
    },
  ];
}

function tool(what: string, version: string | null, why: string): Finding {
  if (version !== null) return { what, state: 'ok', said: version, remedy: null };
  return { what, state: 'note', said: 'cannot be started', remedy: why };
}

interface Job {
  readonly permissions?: unknown;
  readonly steps?: readonly { readonly uses?: unknown; readonly with?: Readonly<Record<string, unknown>> }[];
}

/** What the token of a job that runs prunegate may do, and what it needs. */
function permissions(path: string, text: string): readonly Finding[] {
  let workflow: { readonly permissions?: unknown; readonly jobs?: Readonly<Record<string, Job>> };
  try {
    workflow = parse(text) ?? {};
  } catch {
    return [{ what: path, state: 'note', said: 'is no YAML', remedy: 'prunegate init writes one that works' }];
  }
  const jobs = Object.entries(workflow.jobs ?? {}).filter(([, job]) => ownSteps(job).length > 0);
  return jobs.map(([name, job]): Finding => {
    const given = job.permissions ?? workflow.permissions;
    const missing = neededBy(job).filter(([scope, level]) => !allows(given, scope, level));
    const what = `${path}, job ${name}`;
    if (missing.length === 0) return { what, state: 'ok', said: 'its token may do what is needed', remedy: null };
    const [, , why] = missing[0]!;
    const remedy = `write under permissions: of the job: ${missing.map(([scope, level]) => `${scope}: ${level}`).join(', ')}`;
    return { what, state: 'missing', said: `its token may not ${why}`, remedy };
  });
}

function ownSteps({ steps }: Job): NonNullable<Job['steps']> {
  return (Array.isArray(steps) ? steps : []).filter(({ uses }) => /(?:^|\/)prunegate@/.test(String(uses)));
}

function neededBy(job: Job): readonly (readonly [string, 'read' | 'write', string])[] {
  const own = ownSteps(job);
  const wants = (input: string, unless: string): boolean =>
    own.some((step) => String(step.with?.[input] ?? '') !== unless);
  const isPlan = own.every((step) => step.with?.['mode'] === 'plan');
  return [
    ['contents', 'read', 'read the base commit, or check the code out'] as const,
    ...(!isPlan && wants('comment', 'never') ? [['pull-requests', 'write', 'write the comment'] as const] : []),
    ...(own.some((step) => String(step.with?.['check-run']) === 'true')
      ? [['checks', 'write', 'publish the check run'] as const]
      : []),
  ];
}

/** Without any `permissions:` the repository's default decides, which nobody can see from here. */
function allows(given: unknown, scope: string, level: 'read' | 'write'): boolean {
  if (given === undefined || given === 'write-all') return true;
  if (given === 'read-all') return level === 'read';
  if (typeof given !== 'object' || given === null) return false;
  const granted = (given as Readonly<Record<string, unknown>>)[scope];
  return granted === 'write' || granted === level;
}
