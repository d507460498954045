import type { Layer, RetainedIndices } from '../../network/index.ts';
import type { JointOutcomes } from '../types.ts';
import type { Choices } from './choices.ts';
import type { Exploration } from './exploration.ts';
import type { TaoError } from './refusal.ts';

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

function taking(taken: Taken, otherwise: Taken = new Map()): Choices {
  const option = (key: string): number => taken.get(key) ?? otherwise.get(key) ?? 0;
  return { choose: option, isReversed: (branch) => option(orderKey(branch)) === 1 };
}

function orderKey(branch: Layer): string {
  return `order of the layers that read ${branch.name}`;
}

/** Where layers were written by several partners, the branches whose order of exploration changes the outcome are points too. */
export function addOrderPoints(run: Run, nominal: Exploration, points: Map<string, Point>): void {
  if (nominal.contested.length === 0) return;
  for (const branch of nominal.branches) {
    const { exploration } = run(taking(new Map([[orderKey(branch), 1]])));
    if (exploration === null) continue;
    const moved = [...nominal.decisions].filter(
      ([layer, decision]) => String(exploration.decisions.get(layer)?.retained) !== String(decision.retained),
    );
    if (moved.length > 0) points.set(orderKey(branch), { options: 2, layers: moved.map(([layer]) => layer) });
  }
}

/** What the pruner does under each combination of its undetermined choices. */
export function outcomesOf(run: Run, points: Points): readonly { readonly outcome: Outcome; readonly taken: Taken }[] {
  return points.size === 0
    ? []
    : [...combinations([...points], MAX_OUTCOMES)].map((taken) => ({ outcome: run(taking(taken)), taken }));
}

function* combinations(points: readonly (readonly [string, Point])[], limit: number): Generator<Taken> {
  const total = points.reduce((n, [, point]) => n * point.options, 1);
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

/** Enumerates the choices of each connected set of layers; sets that share no equalization group vary independently. */
export function jointOutcomes(run: Run, points: Points, settled: Taken, nominal: Exploration): JointOutcomes[] {
  const joint: JointOutcomes[] = [];
  for (const component of components(points, nominal)) {
    const outcomes: ReadonlyMap<string, RetainedIndices>[] = [];
    const seen = new Set<string>();
    const total = component.points.reduce((n, [, point]) => n * point.options, 1);
    if (total > MAX_OUTCOMES) {
      joint.push({ layers: component.layers.map((layer) => layer.name), outcomes: [] });
      continue;
    }
    for (const taken of combinations(component.points, MAX_OUTCOMES)) {
      const { exploration } = run(taking(taken, settled));
      if (exploration === null) continue;
      const kept = new Map(
        component.layers.map((layer) => [layer.name, exploration.decisions.get(layer)?.retained ?? []]),
      );
      const key = JSON.stringify([...kept.values()]);
      if (seen.has(key)) continue;
      seen.add(key);
      outcomes.push(kept);
    }
    const isNominal = (kept: ReadonlyMap<string, RetainedIndices>): boolean =>
      component.layers.every(
        (layer) => String(kept.get(layer.name)) === String(nominal.decisions.get(layer)?.retained),
      );
    outcomes.sort((a, b) => Number(isNominal(b)) - Number(isNominal(a)));
    const varying = component.layers.filter(
      (layer) => new Set(outcomes.map((kept) => String(kept.get(layer.name)))).size > 1,
    );
    if (varying.length > 0) joint.push({ layers: varying.map((layer) => layer.name), outcomes });
  }
  return joint;
}

interface Component {
  readonly points: readonly (readonly [string, Point])[];
  readonly layers: readonly Layer[];
}

function components(points: Points, nominal: Exploration): Component[] {
  const found: { points: (readonly [string, Point])[]; layers: Set<Layer> }[] = [];
  for (const [key, point] of points) {
    const reach = new Set(
      point.layers.flatMap((layer) => nominal.groups.find((group) => group.includes(layer)) ?? [layer]),
    );
    const touching = found.filter((component) => [...reach].some((layer) => component.layers.has(layer)));
    const merged = {
      points: [...touching.flatMap((c) => c.points), [key, point] as const],
      layers: new Set([...touching.flatMap((c) => [...c.layers]), ...reach]),
    };
    for (const old of touching) found.splice(found.indexOf(old), 1);
    found.push(merged);
  }
  return found.map((component) => ({ points: component.points, layers: [...component.layers] }));
}
