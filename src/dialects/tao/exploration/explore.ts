import { type Layer, type Network, once } from '../../../network/index.ts';
import { inboundOf, isLayerPruned, type PrunedFlag, prunedLayers } from '../graph.ts';
import { isFusion, isMerging, isPrunable, unknownClass } from '../keras.ts';
import { TaoError } from '../refusal.ts';
import { type Decision, whole } from './decision.ts';
import { exploreDepthwise } from './depthwise.ts';
import { exploreElementwise } from './elementwise.ts';
import { groupsInOrder } from './groups.ts';
import { type Consumers, consumersOf } from './layer-order.ts';
import { ownDecision } from './own.ts';
import { type ReshapeTargets, reshapeTargets } from './reshape-targets.ts';
import { type ExplorationState, type Ground, startedAt, type Writes, writeOwn } from './state.ts';
import { spend } from './work.ts';

export interface Exploration {
  readonly decisions: ReadonlyMap<Layer, Decision>;
  /** Which layers count as pruned. */
  readonly isPruned: ReadonlyMap<Layer, boolean | 'unknown'>;
  readonly groups: readonly (readonly Layer[])[];
  /** Layers that were written by a depthwise pair and by something else: here the order of exploration decides. */
  readonly contested: readonly Layer[];
  /** Layers whose consumers' order is not recognized by names. */
  readonly branches: readonly Layer[];
  readonly targets: ReshapeTargets;
}

/**
 * The pruner's breadth-first exploration from the input layers (`PruneMinWeight._explore`): what each layer retains is
 * overwritten when a layer it is equalized with is explored, and the last write stands.
 * @throws TaoError where the real pruner raises
 */
export function explore(ground: Ground): Exploration {
  const state = startedAt(ground);
  const targets = reshapeTargets(ground);
  const consumers = consumersOf(ground.network);
  const explored = walk(state, targets, consumers);
  const stuck = ground.network.layers.find((layer) => !explored.has(layer) && layer.kind !== 'opaque');
  if (stuck !== undefined) throw new TaoError('KeyError', `'${stuck.name}'`, stuck.name);
  const branches = [...consumers].filter(([, { isCertain }]) => !isCertain);
  return {
    decisions: state.decisions,
    isPruned: prunedLayers(ground.network, state.isPruned),
    groups: groupsInOrder(state.groups),
    contested: [...state.writes].flatMap(([layer, by]) => (isContested(by) ? [layer] : [])),
    branches: branches.map(([layer]) => layer),
    targets,
  };
}

/** A layer waits until all that it reads is explored, and each of them queues it again. */
function walk(
  state: ExplorationState,
  targets: ReshapeTargets,
  consumers: ReadonlyMap<Layer, Consumers>,
): ReadonlySet<Layer> {
  const { network, choices } = state.ground;
  const explored = new Set<Layer>();
  const queue = network.layers.filter((layer) => layer.kind === 'input');
  // By the layers' ids, as this walk is made again for each spec that is tried.
  const isQueued = new Uint8Array(network.layers.length);
  const awaited = countsOfInbound(network).slice();
  for (const layer of queue) {
    isQueued[layer.id] = 0;
    if (awaited[layer.id]! > 0) continue;
    exploreLayer(state, targets, layer);
    const next = consumers.get(layer)?.layers ?? [];
    spend(state.ground.work, 1 + next.length);
    // A layer that is explored again has long been counted.
    if (!explored.has(layer)) for (const consumer of next) awaited[consumer.id]! -= 1;
    explored.add(layer);
    for (const consumer of choices.isReversed(layer) ? next.toReversed() : next) {
      if (isQueued[consumer.id] === 1) continue;
      queue.push(consumer);
      isQueued[consumer.id] = 1;
    }
  }
  return explored;
}

/** How many layers each layer reads. */
const countsOfInbound = once((network: Network) =>
  Int32Array.from(network.layers, (layer) => new Set(inboundOf(network, layer)).size),
);

function exploreLayer(state: ExplorationState, targets: ReshapeTargets, layer: Layer): void {
  requireKnown(state, layer);
  if (isPrunable(layer)) {
    if (layer.kind === 'depthwise') exploreDepthwise(state, layer);
    else exploreWeighted(state, layer);
    return;
  }
  if (layer.kind === 'reshape' || layer.kind === 'permute') {
    state.isPruned.set(layer, reshapedFlag(state, targets, layer));
    return;
  }
  state.isPruned.set(layer, null);
  if (isMerging(layer) || isFusion(layer)) exploreElementwise(state, layer);
}

function requireKnown({ ground: { rules } }: ExplorationState, layer: Layer): void {
  const unknown = unknownClass(layer);
  if (unknown !== null)
    throw new TaoError('NotImplementedError', `Unknown layer type: <class '${rules.classPath(unknown)}'>`, layer.name);
}

/** A convolution that reads several layers by calls of its own equalizes them first, and never counts as pruned. */
function exploreWeighted(state: ExplorationState, layer: Layer): void {
  const isShared = layer.calls.length > 1 && new Set(inboundOf(state.ground.network, layer)).size > 1;
  if (!isShared) return writeOwn(state, layer, ownDecision(state, layer));
  const isMeasured = exploreElementwise(state, layer);
  const decision = isMeasured ? ownDecision(state, layer) : whole(layer.filters, [layer], 'broadcast', layer.name);
  state.decisions.set(layer, decision);
  state.isPruned.set(layer, null);
}

function reshapedFlag(
  { ground: { network }, isPruned }: ExplorationState,
  targets: ReshapeTargets,
  layer: Layer,
): PrunedFlag {
  const pruned = isLayerPruned(network, layer, isPruned);
  if (pruned !== true) return pruned;
  if (layer.kind === 'reshape' && targets.isInferred(layer)) return null;
  throw new TaoError('NotImplementedError', 'Reshape/Permute is not supported after a pruned layer.', layer.name);
}

function isContested({ count, isDepthwise }: Writes): boolean {
  return count > 1 && isDepthwise;
}
