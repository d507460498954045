import type { Expectation } from '../dialects/index.ts';
import { counted, listed } from '../prose/index.ts';
import type { RecognizedLayer, Recovery } from '../recovery/index.ts';
import type { Causes } from './causes.ts';
import type { LayerResult } from './types.ts';

/** Pairs that a note names; the report holds all. */
const MAX_NAMED = 8;

/** Says which layers were recognized without their names, and how. */
export function recognizedNotes(recognized: readonly RecognizedLayer[]): string[] {
  return (['structure', 'values'] as const).flatMap((by) => {
    const layers = recognized.filter((layer) => layer.by === by);
    const how =
      by === 'structure'
        ? 'by its place in the graph'
        : 'by its values: several layers stand in such a place, and it could be cut from no other';
    const [first] = layers;
    if (first === undefined) return [];
    if (layers.length === 1)
      return [
        `${first.pruned} of the pruned model is ${first.dense}, recognized ${how}: no layer of that name is there.`,
      ];
    const pairs = layers.map((layer) => `${layer.pruned} is ${layer.dense}`);
    return [
      `${layers.length} layers of the pruned model are called otherwise. Each was recognized ${how}: ${listed(pairs, MAX_NAMED)}.`,
    ];
  });
}

/** Says of a model that holds zeros in the place of filters what that means. */
export function zeroedNotes(layers: readonly LayerResult[], recovery: Recovery): string[] {
  const zeroed = layers.flatMap(({ name }) => recovery.layers.get(name)?.zeroed ?? []);
  if (zeroed.length === 0) return [];
  const filters = zeroed.reduce((sum, layer) => sum + layer.filters.length, 0);
  return [
    `${counted(filters, 'filter')} in ${counted(zeroed.length, 'layer')} ${filters === 1 ? 'is' : 'are'} zeroed, not removed: the file does not shrink, and the model is no faster.`,
  ];
}

/** Says that layers are right only if their weights are those that the pruner saw. */
export function assumedNotes(layers: readonly LayerResult[], expectation: Expectation): string[] {
  const right = layers.filter(
    ({ name, verdict }) =>
      (verdict === 'match' || verdict === 'ambiguous') && expectation.layers.get(name)?.assumes?.of === 'weights',
  );
  const [first] = right;
  if (first === undefined) return [];
  const { open, remedy } = expectation.layers.get(first.name)!.assumes!;
  const who = right.length === 1 ? first.name : `${first.name} and ${right.length - 1} more layers`;
  const [keeps, is] = right.length === 1 ? ['keeps', 'is'] : ['keep', 'are'];
  return [
    `${who} ${keeps} what ${is === 'is' ? 'its' : 'their'} weights ask for, and ${is} right if these are the weights that the pruner saw: ${open}. ${remedy}`,
  ];
}

/** Says that the search for causes ended before all were tried. */
export function untriedNotes(causes: Causes): string[] {
  const untried = causes.untried();
  if (untried === 0) return [];
  return [
    `Not all causes were tried: ${untried} would take too long. A finding without a cause may still have one of these.`,
  ];
}
