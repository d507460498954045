import type { Layer, RetainedIndices } from '../../../network/index.ts';
import type { TaoError } from '../refusal.ts';
import type { Choices } from './choices.ts';
import type { Decision } from './decision.ts';
import type { Exploration } from './explore.ts';

/** More combinations of undetermined choices than this are not enumerated; the layers become unverifiable. */
export const MAX_OUTCOMES = 256;

/** What the pruner does under some choices. */
export interface Outcome {
  /** null where exploration itself raised. */
  readonly exploration: Exploration | null;
  readonly raised: TaoError | null;
}

/** A choice of the real pruner that the model does not determine, and the layers that it concerns. */
export interface Point {
  readonly options: number;
  readonly layers: readonly Layer[];
}

export type Points = ReadonlyMap<string, Point>;
/** Option taken at each point; 0 where it says nothing. */
export type Taken = ReadonlyMap<string, number>;
export type Run = (choices: Choices) => Outcome;

/** What became of a run under certain choices. */
export interface Tried {
  readonly outcome: Outcome;
  readonly taken: Taken;
}

/** Layers whose outcomes vary together. */
export interface Varying {
  readonly layers: readonly Layer[];
  /** Retained indices of each layer by name, outcome by outcome, the nominal one first; null where there are too many to tell. */
  readonly outcomes: readonly ReadonlyMap<string, RetainedIndices>[] | null;
}

/** What hangs on undetermined choices. */
export interface Open {
  readonly varying: readonly Varying[];
  /** Layers that under some choice are decided by what is not known, with that decision. */
  readonly unknown: ReadonlyMap<Layer, Decision>;
}

function taking(taken: Taken, otherwise: Taken = new Map()): Choices {
  const option = (key: string): number => taken.get(key) ?? otherwise.get(key) ?? 0;
  return { choose: option, isReversed: (branch) => option(orderKey(branch)) === 1 };
}

function orderKey(branch: Layer): string {
  return `order of the layers that read ${branch.name}`;
}

/** The nominal outcome, option 0 everywhere, and the choices that it met. */
export function nominalRun(run: Run): { readonly outcome: Outcome; readonly points: Points } {
  const points = new Map<string, Point>();
  const outcome = run({
    choose(key, options, layers) {
      points.set(key, { options, layers });
      return 0;
    },
    isReversed: () => false,
  });
  if (outcome.exploration !== null) addOrderPoints(run, outcome.exploration, points);
  return { outcome, points };
}

/** Where layers were written by several partners, the branches whose order of exploration changes the outcome are points too. */
function addOrderPoints(run: Run, nominal: Exploration, points: Map<string, Point>): void {
  if (nominal.contested.length === 0) return;
  for (const branch of nominal.branches) {
    const { exploration } = run(taking(new Map([[orderKey(branch), 1]])));
    if (exploration === null) continue;
    const moved = [...nominal.decisions].filter(
      ([layer, { retained }]) => !isSame(exploration.decisions.get(layer)?.retained, retained),
    );
    if (moved.length > 0) points.set(orderKey(branch), { options: 2, layers: moved.map(([layer]) => layer) });
  }
}

/** What the pruner does under each combination of its undetermined choices; none where there are no choices. */
export function outcomesOf(run: Run, points: Points): readonly Tried[] {
  return points.size === 0
    ? []
    : [...combinations([...points], MAX_OUTCOMES)].map((taken) => ({ outcome: run(taking(taken)), taken }));
}

function* combinations(points: readonly (readonly [string, Point])[], limit: number): Generator<Taken> {
  const total = combinationsOf(points);
  for (let n = 0; n < Math.min(total, limit); n++) {
    let rest = n;
    yield new Map(
      points.map(([key, point]) => {
        const option = rest % point.options;
        rest = Math.floor(rest / point.options);
        return [key, option];
      }),
    );
  }
}

function combinationsOf(points: readonly (readonly [string, Point])[]): number {
  return points.reduce((n, [, point]) => n * point.options, 1);
}

/**
 * Enumerates the choices of each connected set of layers; sets that share no equalization group vary independently.
 * @param running choices under which the pruner does not raise, for the sets that are not varied; then no outcome that raises
 * is one. null where it always raises.
 */
export function openOutcomes(run: Run, points: Points, running: Taken | null, nominal: Exploration): Open {
  const varying: Varying[] = [];
  const unknown = new Map<Layer, Decision>();
  for (const component of components(points, nominal)) {
    if (combinationsOf(component.points) > MAX_OUTCOMES) {
      varying.push({ layers: component.layers, outcomes: null });
      continue;
    }
    const explorations = explorationsOf(run, component, running);
    for (const { decisions } of explorations)
      for (const layer of component.layers) {
        const decision = decisions.get(layer);
        if (decision?.retained === null) unknown.set(layer, decision);
      }
    const outcomes = distinctOutcomes(component.layers, explorations, nominal);
    const open = component.layers.filter(
      (layer) =>
        !unknown.has(layer) && outcomes.some((kept) => !isSame(kept.get(layer.name), outcomes[0]?.get(layer.name))),
    );
    if (open.length > 0) varying.push({ layers: open, outcomes });
  }
  return { varying, unknown };
}

function explorationsOf(run: Run, { points }: Component, running: Taken | null): readonly Exploration[] {
  return [...combinations(points, MAX_OUTCOMES)].flatMap((taken) => {
    const { exploration, raised } = run(taking(taken, running ?? new Map()));
    return exploration === null || (running !== null && raised !== null) ? [] : [exploration];
  });
}

/** The different ways in which layers are retained, the nominal one first. */
function distinctOutcomes(
  layers: readonly Layer[],
  explorations: readonly Exploration[],
  nominal: Exploration,
): readonly ReadonlyMap<string, RetainedIndices>[] {
  const outcomes = new Map<string, ReadonlyMap<string, RetainedIndices>>();
  const add = ({ decisions }: Exploration): void => {
    const kept = layers.flatMap((layer): [string, RetainedIndices][] => {
      const retained = decisions.get(layer)?.retained ?? null;
      return retained === null ? [] : [[layer.name, retained]];
    });
    outcomes.set(JSON.stringify(kept), new Map(kept));
  };
  for (const exploration of explorations) add(exploration);
  const isNominal = (kept: ReadonlyMap<string, RetainedIndices>): boolean =>
    layers.every((layer) => isSame(kept.get(layer.name), nominal.decisions.get(layer)?.retained));
  return [...outcomes.values()].sort((a, b) => Number(isNominal(b)) - Number(isNominal(a)));
}

function isSame(a: RetainedIndices | null | undefined, b: RetainedIndices | null | undefined): boolean {
  return String(a ?? null) === String(b ?? null);
}

interface Component {
  readonly points: readonly (readonly [string, Point])[];
  readonly layers: readonly Layer[];
}

function components(points: Points, nominal: Exploration): readonly Component[] {
  const groups = new Map(nominal.groups.flatMap((group) => group.map((layer) => [layer, group] as const)));
  const of = new Map<Layer, Component & { readonly place: number }>();
  let place = 0;
  for (const [key, point] of points) {
    const reach = new Set(point.layers.flatMap((layer) => groups.get(layer) ?? [layer]));
    const touching = [...new Set([...reach].flatMap((layer) => of.get(layer) ?? []))];
    touching.sort((a, b) => a.place - b.place);
    const merged = {
      place: place++,
      points: [...touching.flatMap((component) => component.points), [key, point] as const],
      layers: [...new Set([...touching.flatMap((component) => component.layers), ...reach])],
    };
    for (const layer of merged.layers) of.set(layer, merged);
  }
  // In the order in which they were last put together.
  return [...new Set(of.values())].sort((a, b) => a.place - b.place);
}
