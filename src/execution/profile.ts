import type { ProviderUse } from './protocol.ts';

/**
 * Operators that hold nearly all arithmetic of a network, also as onnxruntime's optimizer renames them (FusedConv,
 * NhwcFusedConv, FusedMatMul). What stays on the CPU of a GPU session on purpose are shapes and indices, none of these.
 */
const HEAVY = /Conv|Gemm|MatMul|^Attention$|^MultiHeadAttention$/;

/** A subgraph that TensorRT compiled is one node whatever it holds. */
const COMPILED = /^(TRTKernel|TensorrtExecutionProvider|NvTensorRTRTX)/i;

interface Event {
  readonly cat?: unknown;
  readonly name?: unknown;
  readonly dur?: unknown;
  readonly args?: { readonly provider?: unknown; readonly op_name?: unknown; readonly node_index?: unknown };
}

/**
 * Which execution provider ran how many nodes, from the profile that onnxruntime writes: what was asked for is no evidence,
 * since a session falls back to the CPU without a word.
 * @returns by provider, the busiest first
 * @throws SyntaxError for a file that is not such a profile
 */
export function providerUse(profile: string): readonly ProviderUse[] {
  const uses = new Map<string, { nodes: Set<string>; heavy: Set<string>; microseconds: number }>();
  for (const { cat, name, dur, args } of JSON.parse(profile) as readonly Event[]) {
    if (cat !== 'Node' || typeof name !== 'string' || !name.endsWith('_kernel_time')) continue;
    const { provider, op_name: op, node_index: index } = args ?? {};
    if (typeof provider !== 'string' || provider === '') continue;
    const use = uses.get(provider) ?? { nodes: new Set<string>(), heavy: new Set<string>(), microseconds: 0 };
    uses.set(provider, use);
    // Fused nodes may share a name, and some have none.
    const node = `${String(index)} ${name}`;
    use.nodes.add(node);
    if (typeof op === 'string' && (HEAVY.test(op) || COMPILED.test(op))) use.heavy.add(node);
    use.microseconds += Number(dur) || 0;
  }
  return [...uses]
    .map(([provider, { nodes, heavy, microseconds }]) => ({
      provider,
      nodes: nodes.size,
      heavyNodes: heavy.size,
      microseconds,
    }))
    .sort((a, b) => b.microseconds - a.microseconds);
}
