import { InputError } from '../../../errors/input-error.ts';
import { type Network, nameScheme, type RetainedIndices } from '../../../network/index.ts';
import { allFilters } from '../../../prose/index.ts';
import { type Reported, sorted } from '../../reported.ts';
import { inEachPart } from './attention.ts';
import { type Flows, type GroupItem, groupOf, isOut, type Side } from './group.ts';
import { dependenciesOf } from './groups.ts';
import type { Module } from './module-graph.ts';
import { isTwoSided } from './modules.ts';
import { LOST } from './placement.ts';

/** One entry of `pruning_history()`: the root's name, whether its outputs were pruned, and which of them (group.py:60-64). */
type Entry = readonly [string, boolean, readonly number[]];

/**
 * Retained indices from the JSON of `pruning_history()`. Each entry counts the channels that its root has left at that
 * step, and names the root alone: the layers that go with it are those of its group. A layer that no entry touches keeps
 * everything, unless an entry could not be followed that may have touched it.
 */
export function readHistory(text: string, network: Network): Reported {
  const entries = entriesIn(text);
  if (entries === null) return { named: new Map(), rows: [] };
  const { modules, flows, isIncomplete } = dependenciesOf(network);
  const byName = modulesByName(modules);
  const byPacked = new Map(
    modules.flatMap((module) => (module.attention?.packed ?? []).map(({ name }) => [name, module] as const)),
  );
  const names = modules.flatMap(({ layer }) => (layer.weight === null ? [] : [layer.name]));
  const scheme = nameScheme(
    entries.map(([name]) => name),
    names,
  );
  const state: State = {
    flows,
    outputs: new Map(),
    inputs: new Map(),
    unsure: new Set(),
    isIncomplete,
    isOpen: false,
    work: 0,
  };
  const unread: string[] = [];
  let isComplete = true;
  for (const [written, isOutput, positions] of entries) {
    const name = scheme?.resolve(written) ?? written;
    const root = byName.get(name);
    if (root === undefined || root.layer.weight === null) {
      unread.push(`${written}, which is no layer of the dense model`);
      isComplete = false;
      continue;
    }
    const side: Side = isTwoSided(root.type) ? (isOutput ? 'out' : 'in') : 'both';
    if (!remove(root, side, positions, state))
      unread.push(`the inputs of ${written}, of which it is not known how many there are`);
  }
  const named = new Map<string, RetainedIndices>();
  for (const [name, { filters }] of network.prunable) {
    const module = byName.get(name) ?? byPacked.get(name);
    const left = module === undefined ? undefined : state.outputs.get(module);
    if ((module !== undefined && state.unsure.has(module)) || (left === undefined && (!isComplete || state.isOpen)))
      continue;
    const isPacked = module !== undefined && module.layer.name !== name;
    named.set(
      name,
      sorted(
        left === undefined ? allFilters(filters) : isPacked ? inEachPart(left, module.layer.filters, filters) : left,
      ),
    );
  }
  return { named, rows: [], unread };
}

/** What modules have left of their channels, by their first numbers. */
interface State {
  readonly flows: Flows;
  readonly outputs: Map<Module, readonly number[]>;
  readonly inputs: Map<Module, readonly number[]>;
  /** Modules that may belong to a group behind a place that could not be followed. */
  readonly unsure: Set<Module>;
  readonly isIncomplete: boolean;
  /** Whether a group reaches an attention of which parts are not known, so that nobody knows what else belongs to it. */
  isOpen: boolean;
  /** Channels that were looked at so far. */
  work: number;
}

/** A history of thousands of steps on a large model looks at some ten million; one that is made to take for ever would go beyond. */
const MAX_WORK = 200_000_000;

/** The first of a name that has weights, else the first. */
function modulesByName(modules: readonly Module[]): ReadonlyMap<string, Module> {
  const found = new Map<string, Module>();
  for (const module of modules) {
    const known = found.get(module.layer.name);
    if (known === undefined || (known.layer.weight === null && module.layer.weight !== null))
      found.set(module.layer.name, module);
  }
  return found;
}

/**
 * Takes channels of a root from every layer of the group.
 * @param positions among those that the root has left
 * @returns whether it is known which channels they are
 */
function remove(root: Module, side: Side, positions: readonly number[], state: State): boolean {
  const { flows, outputs, inputs, unsure } = state;
  const width = side === 'in' ? root.inWidth : root.outWidth;
  const now = (side === 'in' ? inputs : outputs).get(root) ?? (width === null ? null : allFilters(width));
  // Positions that are not there prune nothing, as in index_select over those that stay.
  const channels = now === null ? positions : positions.flatMap((position) => now[position] ?? []);
  if (now !== null && channels.length === 0) return true;
  const { items, beyond, trouble } = groupOf(root, side, channels, flows);
  if (trouble !== null && state.isIncomplete) state.isOpen = true;
  for (const item of beyond) if (isOut(item)) unsure.add(item.module);
  for (const item of items) {
    const { module } = item;
    if (isOut(item) && (now === null || !isShared(item, root))) unsure.add(module);
    const gone = new Set(item.at);
    const [list, own] = isOut(item) ? [outputs, module.layer.filters] : [inputs, module.inWidth];
    if (own === null || (isOut(item) && module.layer.weight === null)) continue;
    state.work += own;
    if (state.work > MAX_WORK) throw new InputError('the history has more steps than can be followed');
    list.set(
      module,
      (list.get(module) ?? allFilters(own)).filter((channel) => !gone.has(channel)),
    );
  }
  return now !== null;
}

/**
 * Whether positions of heads that several heads share go for all of those. Where whole heads go they do not, and then keys and values lose nothing,
 * or all that any of them lose: that hangs on the spec (base_pruner.py:735).
 */
function isShared({ at, root: roots, module }: GroupItem, root: Module): boolean {
  if (!roots.includes(LOST)) return true;
  const times = new Map<number, number>();
  for (const position of at) times.set(position, (times.get(position) ?? 0) + 1);
  const [all, own] = [root.inWidth ?? 0, module.outWidth ?? 0];
  return [...times.values()].every((count) => count * own === all);
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
