import type { Network } from '../../../network/index.ts';
import { incompleteAttentions } from './attention.ts';
import { channelFlows } from './channel-flow.ts';
import { type Flows, type Group, groupAt, isOut } from './group.ts';
import { type Module, traceModules } from './module-graph.ts';
import { isNamed, isRoot } from './modules.ts';
import { type Parameter, parametersOf } from './parameters.ts';

/** A model as Torch-Pruning sees it, whatever the spec. */
export interface Dependencies {
  readonly modules: readonly Module[];
  readonly flows: Flows;
  /** In the order of `DependencyGraph.get_all_groups` without ignored layers (dependency/graph.py:288-326). */
  readonly groups: readonly Group[];
  /** Parameters that a module's operation reads, and that are no module's. */
  readonly parameters: (module: Module) => readonly Parameter[];
  /** Whether there are attentions of which parts are not known, so that what goes with them may be anything. */
  readonly isIncomplete: boolean;
  /** What Torch-Pruning raises while it builds its graph; null where it does not. */
  readonly raises: string | null;
}

export function dependenciesOf(network: Network): Dependencies {
  const modules = traceModules(network);
  const { flows: followed, around, raises } = channelFlows(network, modules);
  const incomplete = incompleteAttentions(network);
  const flows = incomplete.size === 0 ? followed : withoutIncomplete(incomplete, followed);
  const visited = new Set<Module>();
  const groups: Group[] = [];
  for (const module of modules) {
    if (!isRoot(module.type) || visited.has(module)) continue;
    const group = groupAt(module, flows);
    for (const item of [...group.items, ...group.beyond]) if (isOut(item)) visited.add(item.module);
    groups.push(group);
  }
  return {
    modules,
    flows,
    groups,
    isIncomplete: incomplete.size > 0,
    raises,
    parameters: parametersOf(network, around),
  };
}

/** Nothing that goes through an attention of which parts are not known is followed. */
function withoutIncomplete(incomplete: ReadonlyMap<number, string>, flows: Flows): Flows {
  return new Map(
    [...flows].map(([edge, flow]) => {
      const name = incomplete.get(edge.from.layer.id) ?? incomplete.get(edge.to.layer.id);
      return [
        edge,
        name === undefined
          ? flow
          : `${name} reads a parameter, so that not all of its queries, keys and values are known`,
      ];
    }),
  );
}

/** Whether a name is a module's own or that of one around it (`ignored_layers` and ratios go for all that is inside). */
export function isInside({ layer, type }: Module, names: ReadonlySet<string>): boolean {
  return isNamed(type) && isWithin(layer.name, names);
}

/** Whether names hold a layer's own, or that of a module around it. */
export function isWithin(layer: string, names: ReadonlySet<string>): boolean {
  return namesAround(layer).some((name) => names.has(name));
}

/** A layer's name and those of the modules around it. */
export function namesAround(layer: string): readonly string[] {
  const names = [layer];
  for (let end = layer.indexOf('.'); end >= 0 && names.length < MAX_MODULES; end = layer.indexOf('.', end + 1))
    names.push(layer.slice(0, end));
  return names;
}

/** Modules in modules; Python itself ends at a thousand. */
const MAX_MODULES = 1000;
