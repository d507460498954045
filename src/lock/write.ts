import { rangesText } from './ranges.ts';
import type { LockableModel, LockedModel } from './types.ts';

/** What a lock will say of a model. */
export function lockedModel({ layers, ...model }: LockableModel): LockedModel {
  const known = layers.flatMap(({ name, filters, actual }) =>
    actual === null ? [] : [[name, { filters, retained: actual }] as const],
  );
  return { ...model, layers: new Map(known) };
}

/**
 * A lock file's text: the same models give the same bytes, and a layer that changes changes one line. Models stand in the order of their names, layers
 * in that of the graph.
 */
export function lockText(models: ReadonlyMap<string, LockedModel>): string {
  // By code unit: localeCompare differs between machines.
  const sorted = [...models].sort(([a], [b]) => (a < b ? -1 : 1));
  const entries = sorted.map(([name, model]) => `    ${JSON.stringify(name)}: ${modelText(model)}`);
  return `{\n  "lockVersion": 1,\n  "models": ${braced(entries, '  ')}\n}\n`;
}

function modelText({ dialect, spec, weights, layers }: LockedModel): string {
  const entries = [...layers].map(
    ([name, { filters, retained }]) =>
      `        ${JSON.stringify(name)}: { "filters": ${filters}, "retained": ${JSON.stringify(rangesText(retained))} }`,
  );
  const facts = Object.entries({ dialect, spec, weights }).map(
    ([key, value]) => `      ${JSON.stringify(key)}: ${JSON.stringify(value)}`,
  );
  return braced([...facts, `      "layers": ${braced(entries, '      ')}`], '    ');
}

function braced(entries: readonly string[], indent: string): string {
  return entries.length === 0 ? '{}' : `{\n${entries.join(',\n')}\n${indent}}`;
}
