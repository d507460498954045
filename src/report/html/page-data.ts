import type { Execution } from '../../execution/types.ts';
import type { RetainedIndices } from '../../network/index.ts';
import { joined } from '../../prose/index.ts';
import type { ExecutionData, FindingData, GraphData, GroupData, ModelData, PageData } from '../../view/data/types.ts';
import { baselineLine } from '../baseline-lines.ts';
import { groupLetters } from '../groups.ts';
import { lintText } from '../lint.ts';

import type { Report, ReportSet } from '../report.ts';
import { layerData } from './layer-data.ts';
import type { ModelNumbers } from './numbers.ts';
import { pageName, pageText } from './text.ts';

/** @param numbers of a model by its name; null where nobody has them */
export function pageData(result: Report | ReportSet, numbers: (model: string) => ModelNumbers | null): PageData {
  const reports = 'reports' in result ? result.reports : [result];
  const errors = 'reports' in result ? result.errors : [];
  return {
    version: result.tool.version,
    verdict: result.verdict,
    conclusion: result.conclusion,
    models: reports.map((report) => modelData(report, numbers(report.model))),
    errors: errors.map(({ model, message }) => ({ model: pageName(model), message: pageText(message) })),
  };
}

function modelData(report: Report, numbers: ModelNumbers | null): ModelData {
  const at = new Map(report.layers.map(({ name }, k) => [name, k]));
  const lockedOf = lockedBy(report);
  const groups = groupsOf(report, numbers, at);
  const groupAt = new Map(report.groups.map(({ id }, k) => [id, k]));
  return {
    name: pageName(report.model),
    verdict: report.verdict,
    conclusion: report.conclusion,
    dialect: report.dialect,
    spec: report.specSummary === null ? null : pageText(report.specSummary),
    inputs: inputsOf(report),
    totals: {
      ...report.totals,
      filters: { dense: report.totals.filters.dense, pruned: report.totals.filters.retained },
    },
    findings: report.findings.map((finding) => findingData(finding, at)),
    notes: [...changesOf(report), baselineLine(report) ?? [], ...report.notes].flat().map(pageText),
    remarks: report.lints.map((lint) => pageText(lintText(lint))),
    refusal: report.refusal === null ? null : pageText(report.refusal.message),
    layers: report.layers.map((layer) =>
      layerData(layer, {
        group: layer.group === null ? null : (groupAt.get(layer.group) ?? null),
        locked: lockedOf(layer),
        numbers: numbers?.layers.get(layer.name) ?? null,
      }),
    ),
    groups,
    graph: graphOf(numbers, at),
    execution: report.execution === null ? null : executionData(report.execution),
  };
}

/** Another spec is another question, and a lower bar is found lower. */
function changesOf({ policy }: Report): readonly string[] {
  const changed = (['spec', 'lock', 'policy'] as const).filter((what) => policy?.changed[what] === true);
  return changed.length === 0 ? [] : [`This pull request changes the ${joined(changed)}.`];
}

/** A report has what was agreed of a layer where that is another list than it keeps. */
function lockedBy({ lock }: Report): (layer: Report['layers'][number]) => RetainedIndices | null {
  if (lock == null || !lock.isAgreed) return () => null;
  const open = new Set(lock.open);
  const differences = new Map(lock.differences.map(({ layer, agreed }) => [layer, agreed]));
  return ({ name, actual }) => (open.has(name) ? null : (differences.get(name) ?? actual));
}

function inputsOf({ inputs, totals }: Report): ModelData['inputs'] {
  return (['dense', 'pruned'] as const).flatMap((role) => {
    const input = inputs[role];
    if (input === null) return [];
    const { path, sha256, folding } = input;
    return [{ role, path: pageText(path), sha256, folding, bytes: totals.bytes[role] }];
  });
}

function findingData(
  { kind, verdict, title, details, layers, place, cause }: Report['findings'][number],
  at: ReadonlyMap<string, number>,
): FindingData {
  const file = place.file === null ? '' : `${place.file}${place.line === null ? '' : `:${place.line}`}`;
  return {
    kind,
    verdict,
    title: pageText(title),
    details: details.filter((line) => line !== cause).map(pageText),
    cause: cause === undefined ? null : pageText(cause),
    layers: layers.flatMap((name) => at.get(name) ?? []),
    place: pageText([file, place.key ?? ''].filter((part) => part !== '').join(' ')),
  };
}

function groupsOf(report: Report, numbers: ModelNumbers | null, at: ReadonlyMap<string, number>): readonly GroupData[] {
  const letters = groupLetters(report);
  return report.groups.map(({ id, members, criterion }) => {
    const known = members.filter((name) => at.has(name));
    return {
      letter: letters.get(id)!,
      criterion,
      members: known.map((name) => at.get(name)!),
      keptUnder: (numbers?.keptUnder ?? []).map(({ criterion: other, kept }) => ({
        criterion: other,
        kept: kept === null ? null : known.map((name) => kept.get(name) ?? null),
      })),
    };
  });
}

function graphOf(numbers: ModelNumbers | null, at: ReadonlyMap<string, number>): GraphData | null {
  const graph = numbers?.graph ?? null;
  if (graph === null) return null;
  return {
    nodes: graph.nodes.map(({ name, op, isPrunable }) =>
      isPrunable ? { layer: at.get(name) ?? null, label: '' } : { layer: null, label: pageName(op) },
    ),
    edges: Uint32Array.from(graph.edges),
  };
}

function executionData(execution: Execution): ExecutionData {
  const { verdict, provider, maxAbsDiff, maxRelDiff, tolerance, firstDifference, latency } = execution;
  return {
    ...{ verdict, provider, maxAbsDiff, maxRelDiff, tolerance },
    reason: pageText(execution.reason),
    providerDetail: pageText(execution.providerDetail),
    runtime: execution.runtime.version,
    cases: execution.cases.map(pageText),
    inputs: execution.inputs.map(({ name, type, shape }) => `${pageName(name)} ${type} ${shape.join('×')}`),
    outputs: execution.outputs.map(({ name, maxAbsDiff: abs, maxRelDiff: rel, outcome }) => ({
      ...{ name: pageName(name), maxAbsDiff: abs, maxRelDiff: rel, outcome },
    })),
    firstDifference:
      firstDifference === null
        ? null
        : {
            layer: pageName(firstDifference.layer),
            tensor: pageName(firstDifference.tensor),
            detail: pageText(firstDifference.detail),
          },
    latency:
      latency === null
        ? null
        : { dense: latency.dense, pruned: latency.pruned, ratio: latency.ratio, runs: latency.runs },
  };
}
