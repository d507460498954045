import type { Flow } from './channel-flow.ts';
import type { Edge, Module } from './module-graph.ts';
import { isTwoSided } from './modules.ts';
import { follow, followShared, LOST, type Positions } from './placement.ts';

/** Which channels of a module are meant; `both` for a module that has one set of them. */
export type Side = 'out' | 'in' | 'both';

/** One module's part of a group: which of its channels go with which channels of the root. */
export interface GroupItem extends Positions {
  readonly module: Module;
  readonly side: Side;
  /** The module from which the group came here first, and which of its sides led here. */
  readonly source: Module;
  readonly trigger: Side;
}

/** What is pruned together (`DependencyGraph.get_pruning_group`, dependency/graph.py:183-286). */
export interface Group {
  /** In the order of Torch-Pruning, the root first. */
  readonly items: readonly GroupItem[];
  /** Modules with weights whose outputs it prunes. */
  readonly layers: readonly Module[];
  /** The first item of each name whose outputs it prunes. */
  readonly outputs: ReadonlyMap<string, GroupItem>;
  /** Why it cannot be determined what all the group holds, as a clause; null where it can. */
  readonly trouble: string | null;
  /** Sides of modules behind the place that could not be followed: they may belong to it. */
  readonly beyond: readonly Pick<GroupItem, 'module' | 'side'>[];
}

export type Flows = ReadonlyMap<Edge, Flow>;

function outSide({ type }: Module): Side {
  return isTwoSided(type) ? 'out' : 'both';
}

function inSide({ type }: Module): Side {
  return isTwoSided(type) ? 'in' : 'both';
}

/** Whether an item's module loses output channels, so that it is one of those that the group decides about. */
export function isOut({ side }: Pick<GroupItem, 'side'>): boolean {
  return side !== 'in';
}

/** All channels of a module, and everything that goes with them. */
export function groupAt(root: Module, flows: Flows): Group {
  return groupOf(
    root,
    outSide(root),
    Array.from({ length: root.outWidth! }, (_, k) => k),
    flows,
  );
}

interface Step {
  readonly module: Module;
  readonly side: Side;
  /** Null behind a place that could not be followed. */
  readonly positions: Positions | null;
}

/**
 * Everything that goes with some channels of a module.
 * @param at positions among the module's channels
 */
export function groupOf(root: Module, side: Side, at: readonly number[], flows: Flows): Group {
  const items = new Map<string, Merging>();
  const known = new Map<Module, Step[]>();
  const visited = new Set<Module>();
  const expanded = new Set<Step>();
  let trouble: string | null = null;
  const add = (step: Step, source: Module, trigger: Side): Step => {
    const alike = known.get(step.module);
    if (alike === undefined) known.set(step.module, [step]);
    else if (!alike.includes(step)) alike.push(step);
    if (step.positions !== null) merge(items, step.module, step.side, step.positions, source, trigger);
    return step;
  };
  const steps = [add({ module: root, side, positions: { at, root: at } }, root, side)];
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    // It may wait several times, where many lead to it, and changes nothing but the first time: all that it leads to was visited right after it.
    if (expanded.has(step)) continue;
    expanded.add(step);
    visited.add(step.module);
    for (const { edge, isBack } of dependenciesOf(step)) {
      const module = isBack ? edge.from : edge.to;
      const flow = flows.get(edge)!;
      if (typeof flow === 'string') trouble ??= flow;
      const positions =
        typeof flow === 'string' || step.positions === null ? null : through(step.positions, flow, isBack);
      if (positions?.at.length === 0) continue;
      const next: Step = { module, side: isBack ? outSide(module) : inSide(module), positions };
      const same = known.get(module)?.find((other) => isSame(other, next));
      if (same !== undefined && (visited.has(module) || positions === null)) continue;
      steps.push(add(same ?? next, step.module, step.side));
    }
  }
  const beyond = [...known.values()].flat().filter(({ positions }) => positions === null);
  return { ...indexed([...items.values()].map(itemOf)), trouble, beyond };
}

function indexed(items: readonly GroupItem[]): Pick<Group, 'items' | 'layers' | 'outputs'> {
  const layers: Module[] = [];
  const outputs = new Map<string, GroupItem>();
  for (const item of items) {
    const { layer } = item.module;
    if (!isOut(item)) continue;
    if (layer.weight !== null) layers.push(item.module);
    if (!outputs.has(layer.name)) outputs.set(layer.name, item);
  }
  return { items, layers, outputs };
}

/** Edges over which pruning one side of a module spreads: to what it reads, then to what reads it. */
function dependenciesOf({ module, side }: Step): { readonly edge: Edge; readonly isBack: boolean }[] {
  const back = inSide(module) === side ? module.inputs.map((edge) => ({ edge, isBack: true })) : [];
  const ahead = outSide(module) === side ? module.outputs.map((edge) => ({ edge, isBack: false })) : [];
  return [...back, ...ahead];
}

function through(positions: Positions, flow: Exclude<Flow, string>, isBack: boolean): Positions {
  if ('repeat' in flow) return followShared(positions, flow, isBack);
  const way = isBack ? flow.toReversed() : flow;
  return way.reduce((at, placement) => follow(at, placement, isBack), positions);
}

function isSame(a: Step, b: Step): boolean {
  if (a.side !== b.side) return false;
  if (a.positions === null || b.positions === null) return a.positions === b.positions;
  return isEqual(a.positions.at, b.positions.at) && isEqual(a.positions.root, b.positions.root);
}

function isEqual(a: readonly number[], b: readonly number[]): boolean {
  return a === b || (a.length === b.length && a.every((value, k) => value === b[k]));
}

interface Merging {
  readonly module: Module;
  readonly side: Side;
  readonly source: Module;
  readonly trigger: Side;
  at: readonly number[];
  root: readonly number[];
  /** What lies at `at`, once somebody asks. */
  reached: ReadonlySet<number> | null;
}

/** `Group.add_and_merge` (group.py:99-112): of a channel reached twice the first way counts. */
function merge(
  items: Map<string, Merging>,
  module: Module,
  side: Side,
  positions: Positions,
  source: Module,
  trigger: Side,
): void {
  const key = `${module.order} ${side}`;
  const known = items.get(key);
  if (known === undefined) {
    // Shared heads are counted for each that shares them.
    const isOnce = isWithoutRepeats(positions.at) || positions.root.includes(LOST);
    const once = isOnce ? positions : withoutRepeats(positions);
    items.set(key, { module, side, source, trigger, at: once.at, root: once.root, reached: null });
    return;
  }
  if (isEqual(known.at, positions.at)) return;
  const reached = known.reached ?? new Set(known.at);
  known.reached = reached;
  // Nearly always all were reached before.
  if (reached.size === known.at.length && positions.at.every((position) => reached.has(position))) return;
  const joined = withoutRepeats(known, positions);
  if (joined.at.length !== known.at.length) Object.assign(known, { ...joined, reached: null });
}

function isWithoutRepeats(at: readonly number[]): boolean {
  const isAscending = at.every((position, k) => k === 0 || at[k - 1]! < position);
  return isAscending || new Set(at).size === at.length;
}

/** Of thousands of positions for each pair of layers, so that nothing is made for each of them. */
function withoutRepeats(...parts: readonly Positions[]): Positions {
  const seen = new Set<number>();
  const once = { at: [] as number[], root: [] as number[] };
  for (const { at, root } of parts) {
    for (let k = 0; k < at.length; k++) {
      if (seen.has(at[k]!)) continue;
      seen.add(at[k]!);
      once.at.push(at[k]!);
      once.root.push(root[k]!);
    }
  }
  return once;
}

function itemOf({ module, side, source, trigger, at, root }: Merging): GroupItem {
  return { module, side, source, trigger, at, root };
}
