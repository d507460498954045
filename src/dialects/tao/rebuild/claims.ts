import type { Layer, Network, RetainedIndices } from '../../../network/index.ts';
import type { Exploration } from '../exploration/explore.ts';
import { inboundFirst, inboundOf, isLayerPruned, widthOf } from '../graph.ts';

/** A layer's `retained_idx` as the next layer reads it in the second phase: indices, Python's None, or null where it is not known. */
export type Claim = RetainedIndices | 'none' | null;

/**
 * What the pruner's second phase takes every layer to retain, though it cuts by the claim of the *first* inbound layer alone.
 * @param retained what each prunable layer retains
 */
export function claimsOf(
  network: Network,
  { isPruned }: Exploration,
  retained: (layer: Layer) => RetainedIndices | null,
): ReadonlyMap<Layer, Claim> {
  const claims = new Map<Layer, Claim>();
  for (const layer of inboundFirst(network)) {
    const inbound = inboundOf(network, layer);
    const claim = (part: Layer): Claim => claims.get(part) ?? null;
    const first = inbound[0] === undefined ? 'none' : claim(inbound[0]);
    const parts = (): Claim =>
      joined(inbound.map((part) => partOf(part, claim(part), isLayerPruned(network, part, isPruned))));
    claims.set(layer, claimOf(network, layer, inbound[0], { first, retained, parts }));
  }
  return claims;
}

interface Sources {
  /** The claim of the first layer that is read. */
  readonly first: Claim;
  retained(layer: Layer): RetainedIndices | null;
  /** The claims of all that is read, behind one another. */
  parts(): Claim;
}

function claimOf(
  network: Network,
  layer: Layer,
  before: Layer | undefined,
  { first, retained, parts }: Sources,
): Claim {
  switch (layer.kind) {
    case 'input':
      return 'none';
    case 'conv':
    case 'dense':
    case 'depthwise':
      return retained(layer);
    case 'conv-transpose':
      return upTo(layer.filters);
    case 'concat':
      return parts();
    case 'flatten':
      return flattened(network, before === undefined ? null : widthOf(before), widthOf(layer), first);
    case 'reshape':
    case 'permute':
    case 'opaque':
    case 'crop':
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
  return { width, kept: isPruned ? claim : width === null ? null : upTo(width) };
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
  const positions = upTo(after / before);
  if (network.dataFormat === 'channels_first')
    return first.flatMap((channel) => positions.map((at) => channel * positions.length + at));
  return positions.flatMap((at) => first.map((channel) => at * before + channel));
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, k) => k);
}
