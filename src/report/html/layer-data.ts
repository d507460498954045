import type { RetainedIndices } from '../../network/index.ts';
import { FLAG, type Flag, type LayerData, type NumbersData } from '../../view/data/types.ts';
import type { ReportLayer } from '../report.ts';
import { pageName, pageText } from './text.ts';

export interface LayerParts {
  readonly group: number | null;
  /** What was agreed of it; null where nothing is known of that. */
  readonly locked: RetainedIndices | null;
  readonly numbers: NumbersData | null;
}

/** @param group position in the model's groups */
export function layerData(layer: ReportLayer, { group, locked, numbers }: LayerParts): LayerData {
  const { flags, known } = flagsOf(layer, locked);
  return {
    name: pageName(layer.name),
    kind: layer.kind,
    filters: layer.filters,
    verdict: layer.verdict,
    group,
    rule: pageText(layer.rule),
    reason: pageText(layer.reason),
    problem: layer.problem === null ? null : pageText(layer.problem),
    remedy: layer.remedy === null ? null : pageText(layer.remedy),
    folding: layer.folding,
    flags,
    known,
    explanations: layer.explanations.map(pageText),
    numbers,
  };
}

function flagsOf(layer: ReportLayer, locked: RetainedIndices | null): Pick<LayerData, 'flags' | 'known'> {
  const lists: Readonly<Partial<Record<Flag, readonly number[] | null>>> = {
    expected: layer.expected,
    actual: layer.actual,
    reported: layer.reported,
    locked,
    alone: layer.exploring,
    tied: layer.tie?.candidates ?? null,
    missing: layer.missing,
    unexpected: layer.unexpected,
  };
  const flags = new Uint8Array(layer.filters);
  let known = 0;
  for (const [flag, list] of Object.entries(lists) as [Flag, readonly number[] | null][]) {
    if (list === null) continue;
    known |= FLAG[flag];
    for (const filter of list) flags[filter]! |= FLAG[flag];
  }
  return { flags, known };
}
