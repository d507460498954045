import type { Network, RetainedIndices } from '../../../network/index.ts';
import { type Reported, sorted } from '../../reported.ts';
import { type Flows, groupOf, isOut, type Side } from './group.ts';
import { dependenciesOf } from './groups.ts';
import type { Module } from './module-graph.ts';
import { isTwoSided } from './modules.ts';

/** One entry of `pruning_history()`: the root's name, whether its outputs were pruned, and which of them (group.py:60-64). */
type Entry = readonly [string, boolean, readonly number[]];

/**
 * Retained indices from the JSON of `pruning_history()`. Each entry counts the channels that its root has left at that
 * step, and names the root alone: the layers that go with it are those of its group. A layer that no entry touches keeps
 * everything.
 */
export function readHistory(text: string, network: Network): Reported {
  const entries = entriesIn(text);
  const none: Reported = { named: new Map(), rows: [] };
  if (entries === null) return none;
  const { modules, flows } = dependenciesOf(network);
  const left = new Map<Module, number[]>();
  const leftOf = (module: Module, width: number): number[] => {
    const known = left.get(module) ?? Array.from({ length: width }, (_, k) => k);
    left.set(module, known);
    return known;
  };
  const inputs = new Map<Module, number[]>();
  const unsure = new Set<Module>();
  for (const [name, isOutput, positions] of entries) {
    const root = modules.find(({ layer }) => layer.name === name && layer.weight !== null);
    if (root === undefined) return none;
    const side: Side = isTwoSided(root.type) ? (isOutput ? 'out' : 'in') : 'both';
    const width = side === 'in' ? root.inWidth : root.outWidth;
    if (width === null) return none;
    const now = side === 'in' ? (inputs.get(root) ?? Array.from({ length: width }, (_, k) => k)) : leftOf(root, width);
    // Positions that are not there prune nothing, as in index_select over those that stay.
    const gone = positions.flatMap((position) => now[position] ?? []);
    remove(root, side, gone, { flows, inputs, leftOf, unsure });
  }
  const named = new Map<string, RetainedIndices>();
  for (const [name, { filters }] of network.prunable) {
    const module = modules.find(({ layer }) => layer.name === name);
    if (module !== undefined && unsure.has(module)) continue;
    named.set(
      name,
      sorted(module === undefined ? Array.from({ length: filters }, (_, k) => k) : leftOf(module, filters)),
    );
  }
  return { named, rows: [] };
}

interface State {
  readonly flows: Flows;
  readonly inputs: Map<Module, number[]>;
  leftOf(module: Module, width: number): number[];
  /** Modules that may belong to a group behind a place that could not be followed. */
  readonly unsure: Set<Module>;
}

/** Takes channels of a root, by their first numbers, from every layer of the group. */
function remove(root: Module, side: Side, channels: readonly number[], { flows, inputs, leftOf, unsure }: State): void {
  const { items, beyond } = groupOf(root, side, channels, flows);
  for (const item of beyond) if (isOut(item)) unsure.add(item.module);
  for (const item of items) {
    const { module } = item;
    const gone = new Set(item.at);
    if (isOut(item)) {
      if (module.layer.weight === null) continue;
      const now = leftOf(module, module.layer.filters);
      now.splice(0, now.length, ...now.filter((channel) => !gone.has(channel)));
    } else if (module.inWidth !== null) {
      const now = inputs.get(module) ?? Array.from({ length: module.inWidth }, (_, k) => k);
      inputs.set(
        module,
        now.filter((channel) => !gone.has(channel)),
      );
    }
  }
}

function entriesIn(text: string): readonly Entry[] | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  return Array.isArray(parsed) && parsed.every(isEntry) ? parsed : null;
}

function isEntry(value: unknown): value is Entry {
  if (!Array.isArray(value) || value.length !== 3) return false;
  const [name, isOutput, positions] = value as readonly unknown[];
  return (
    typeof name === 'string' &&
    typeof isOutput === 'boolean' &&
    Array.isArray(positions) &&
    positions.every((position) => Number.isSafeInteger(position) && position >= 0)
  );
}
