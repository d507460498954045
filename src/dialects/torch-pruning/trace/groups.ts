import type { Network } from '../../../network/index.ts';
import { channelFlows } from './channel-flow.ts';
import { type Flows, type Group, groupAt, isOut } from './group.ts';
import { type Module, traceModules } from './module-graph.ts';
import { isNamed, isRoot } from './modules.ts';

/** A model as Torch-Pruning sees it, whatever the spec. */
export interface Dependencies {
  readonly modules: readonly Module[];
  readonly flows: Flows;
  /** In the order of `DependencyGraph.get_all_groups` without ignored layers (dependency/graph.py:288-326). */
  readonly groups: readonly Group[];
  /** What Torch-Pruning raises while it builds its graph; null where it does not. */
  readonly raises: string | null;
}

export function dependenciesOf(network: Network): Dependencies {
  const modules = traceModules(network);
  const { flows, raises } = channelFlows(network, modules);
  const visited = new Set<Module>();
  const groups: Group[] = [];
  for (const module of modules) {
    if (!isRoot(module.type) || visited.has(module)) continue;
    const group = groupAt(module, flows);
    for (const item of [...group.items, ...group.beyond]) if (isOut(item)) visited.add(item.module);
    groups.push(group);
  }
  return { modules, flows, groups, raises };
}

/** Whether a name is a module's own or that of one around it (`ignored_layers` and ratios go for all that is inside). */
export function isInside(module: Module, names: readonly string[]): boolean {
  const { layer, type } = module;
  return isNamed(type) && names.some((name) => layer.name === name || layer.name.startsWith(`${name}.`));
}
