import { FLAG, type Flag, type LayerData, type NumbersData } from '../../view/data/types.ts';
import type { ReportLayer } from '../report.ts';
import { pageName, pageText } from './text.ts';

/** @param group position in the model's groups */
export function layerData(layer: ReportLayer, group: number | null, numbers: NumbersData | null): LayerData {
  const { flags, known } = flagsOf(layer);
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

function flagsOf(layer: ReportLayer): Pick<LayerData, 'flags' | 'known'> {
  const lists: Readonly<Partial<Record<Flag, readonly number[] | null>>> = {
    expected: layer.expected,
    actual: layer.actual,
    reported: layer.reported,
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
