import type { Layer, Network, RetainedIndices } from '../../../network/index.ts';
import { allFilters } from '../../../prose/index.ts';
import type { Exploration } from '../exploration/explore.ts';
import { inboundFirst, inboundOf, takesChannels, widthOf } from '../graph.ts';
import { isPrunable } from '../keras.ts';

/** A layer's `retained_idx` as the next layer reads it in the second phase: indices, Python's None, or null where it is not known. */
export type Claim = RetainedIndices | 'none' | null;

/**
 * What the pruner's second phase takes every layer to retain, though it cuts by the claim of the *first* inbound layer alone.
 * @param retained what each prunable layer retains
 */
export function claimsOf(
  network: Network,
  exploration: Exploration,
  retained: (layer: Layer) => RetainedIndices | null,
): ReadonlyMap<Layer, Claim> {
  const claims = new Map<Layer, Claim>();
  for (const layer of inboundFirst(network)) {
    if (isPrunable(layer)) claims.set(layer, retained(layer));
    else claims.set(layer, passedOn({ network, exploration, claims }, layer));
  }
  return claims;
}

interface Scene {
  readonly network: Network;
  readonly exploration: Exploration;
  /** Of layers above. */
  readonly claims: ReadonlyMap<Layer, Claim>;
}

/** What a layer without filters of its own passes on. */
function passedOn({ network, exploration, claims }: Scene, layer: Layer): Claim {
  const inbound = inboundOf(network, layer);
  const [before] = inbound;
  const claimOf = (part: Layer): Claim => claims.get(part) ?? null;
  const first = before === undefined ? 'none' : claimOf(before);
  switch (layer.kind) {
    case 'input':
    case 'permute':
      return 'none';
    case 'conv-transpose':
      return allFilters(layer.filters);
    case 'concat':
      return joined(inbound.map((part) => partOf(part, claimOf(part), exploration.isPruned.get(part)!)));
    case 'flatten':
      return flattened(network, before === undefined ? null : widthOf(before), widthOf(layer), first);
    case 'reshape':
      // What is none either way hangs on no target.
      return first === 'none' || !exploration.targets.isInferred(layer) ? 'none' : first;
    case 'crop': {
      const width = takesChannels(network, layer) ? widthOf(layer) : null;
      return width === null ? first : allFilters(width);
    }
    case 'opaque':
      return null;
    default:
      return first;
  }
}

interface Part {
  readonly width: number | null;
  readonly kept: Claim;
}

/** A part that does not count as pruned is taken for whole. */
function partOf(part: Layer, claim: Claim, isPruned: boolean | 'unknown'): Part {
  const width = widthOf(part);
  if (isPruned === 'unknown') return { width, kept: null };
  return { width, kept: isPruned ? claim : width === null ? null : allFilters(width) };
}

function joined(parts: readonly Part[]): Claim {
  const all: number[] = [];
  let offset = 0;
  for (const { width, kept } of parts) {
    if (width === null || kept === null || kept === 'none') return null;
    for (const channel of kept) all.push(channel + offset);
    offset += width;
  }
  return all;
}

/** Channels_first by `np.repeat`, channels_last by `np.tile` (`_prune_explored_flatten_layer`). */
function flattened(network: Network, before: number | null, after: number | null, first: Claim): Claim {
  if (before === null || after === null || first === null || first === 'none') return null;
  const positions = allFilters(after / before);
  if (network.dataFormat === 'channels_first')
    return first.flatMap((channel) => positions.map((at) => channel * positions.length + at));
  return positions.flatMap((at) => first.map((channel) => at * before + channel));
}
