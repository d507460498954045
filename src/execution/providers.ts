import type { ProviderUse } from './protocol.ts';
import type { Provider } from './types.ts';

/** onnxruntime's names, for those that are asked for here. */
const NAMES: Readonly<Record<string, Provider>> = {
  CPUExecutionProvider: 'cpu',
  CUDAExecutionProvider: 'cuda',
  TensorrtExecutionProvider: 'tensorrt',
  NvTensorRTRTXExecutionProvider: 'tensorrt',
};

/** Providers to try one after another, each with those that take what it leaves over. */
export function attempts(
  requested: 'auto' | Provider,
  hasGpu: boolean,
): readonly (readonly [Provider, ...Provider[]])[] {
  const cpu = ['cpu'] as const;
  const cuda = ['cuda', 'cpu'] as const;
  switch (requested) {
    case 'cpu':
      return [cpu];
    case 'cuda':
      return [cuda, cpu];
    case 'tensorrt':
      return [['tensorrt', 'cuda', 'cpu'], cuda, cpu];
    case 'auto':
      // TensorRT builds an engine for minutes, which is worth it for whoever asks.
      return hasGpu ? [cuda, cpu] : [cpu];
  }
}

/** What the profile says of where the arithmetic ran. */
export interface Ran {
  readonly provider: Provider;
  /** Heavy nodes on the CPU, of how many. */
  readonly onCpu: number;
  readonly heavy: number;
  /** One sentence. */
  readonly detail: string;
}

/** The provider of most of the heavy nodes; of most of the time where there are none. */
export function ranOn(uses: readonly ProviderUse[]): Ran {
  const heavy = uses.reduce((n, use) => n + use.heavyNodes, 0);
  const [most] = [...uses].sort((a, b) => (heavy > 0 ? b.heavyNodes - a.heavyNodes : b.microseconds - a.microseconds));
  const onCpu = uses.find((use) => use.provider === 'CPUExecutionProvider')?.heavyNodes ?? 0;
  const listed = uses.map(({ provider, nodes }) => `${nodes} on ${provider.replace(/ExecutionProvider$/, '')}`);
  return {
    provider: NAMES[most?.provider ?? ''] ?? 'cpu',
    onCpu,
    heavy,
    detail: uses.length === 0 ? 'the profile names no nodes' : `nodes by the profile: ${listed.join(', ')}`,
  };
}
