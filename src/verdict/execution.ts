import type { ExecutionDemand } from '../config/index.ts';
import { type Execution, type ExecutionOutcome, OBSTACLES } from '../execution/types.ts';
import { capitalized, sentence } from '../prose/index.ts';
import { graphFindings } from './graph.ts';
import type { Finding, Judgement, PlaceOf } from './types.ts';
import { withFindings } from './worst.ts';

/** What must not be missing. */
export interface ExecutionDemands {
  /** Where it was asked for. */
  readonly at: PlaceOf<'pruned' | 'requireGpu'>;
  readonly requireGpu: boolean;
  /** Whether it was tried besides, asked for by the user, or is all that was asked for, so that there is no verdict without it. */
  readonly demand: ExecutionDemand | 'all';
}

/**
 * Adds what executing the models showed. What the machine could not execute is a note where it was only tried; a model
 * that onnxruntime does not load or run is never shown as fine.
 */
export function judgeExecution(judgement: Judgement, executed: ExecutionOutcome, demands: ExecutionDemands): Judgement {
  const { execution, obstacle } = executed;
  if (execution === null && obstacle === null) return judgement;
  const findings = [
    ...(execution?.verdict === 'different' ? [difference(judgement, execution, demands)] : []),
    ...otherInterface(judgement, executed, demands),
    ...gpuFindings(executed, demands),
    ...openFindings(executed, demands),
  ];
  const verdict = demands.demand === 'all' ? 'conforms' : judgement.verdict;
  return withFindings({ ...judgement, verdict }, findings, [...executed.notes, ...executionNotes(executed, demands)]);
}

function difference({ layers }: Judgement, { reason, firstDifference }: Execution, { at }: ExecutionDemands): Finding {
  const layer = layers.find(({ name }) => name === firstDifference?.layer)?.name ?? null;
  const where = firstDifference === null ? '' : `At ${firstDifference.layer} (${firstDifference.tensor})`;
  return {
    kind: 'execution',
    verdict: 'mismatch',
    title: 'the pruned model does not compute what the dense one does with the same channels cut',
    details: [sentence(reason), ...(firstDifference === null ? [] : [sentence(`${where}, ${firstDifference.detail}`)])],
    layers: layer === null ? [] : [layer],
    place: { ...at('pruned'), layer, filters: [] },
  };
}

/** Another interface is no such thing to execute, and a difference of its own, which the check may have found already. */
function otherInterface(
  { findings, isInterfaceExcused }: Judgement,
  { obstacle }: ExecutionOutcome,
  { at }: ExecutionDemands,
): Finding[] {
  const kind = 'interface-differs';
  if (obstacle?.code !== kind || isInterfaceExcused === true || findings.some((finding) => finding.kind === kind))
    return [];
  return graphFindings([{ kind, layer: null, title: obstacle.reason, isSure: true }], at('pruned'));
}

function gpuFindings({ execution, obstacle }: ExecutionOutcome, { requireGpu, at }: ExecutionDemands): Finding[] {
  if (!requireGpu || (execution !== null && !execution.fellBack)) return [];
  const title = execution === null ? 'the models were not executed on a GPU' : 'onnxruntime did not use the GPU';
  return [open(title, execution?.providerDetail ?? obstacle?.reason ?? '', at('requireGpu'))];
}

/** Where nothing else is judged, what could not be executed or compared leaves nothing. */
function openFindings({ execution, obstacle }: ExecutionOutcome, demands: ExecutionDemands): Finding[] {
  if (obstacle?.code === 'interface-differs') return [];
  const place = demands.at('pruned');
  if (obstacle !== null && isMissed({ obstacle }, demands))
    return [open('the models were not executed', obstacle.reason, place)];
  if (execution === null || execution.verdict !== null || demands.demand !== 'all') return [];
  return [open('the models were executed, but not compared', execution.reason, place)];
}

/** Whether what was not executed leaves the run unverifiable: it was asked for, or a model stood in the way. */
function isMissed({ obstacle }: Pick<ExecutionOutcome, 'obstacle'>, { demand }: ExecutionDemands): boolean {
  return obstacle !== null && (demand !== 'tried' || OBSTACLES[obstacle.code] === 'model');
}

function open(title: string, why: string, place: ReturnType<PlaceOf>): Finding {
  const details = [sentence(capitalized(why))];
  return {
    kind: 'execution',
    verdict: 'unverifiable',
    title,
    details,
    layers: [],
    place: { ...place, layer: null, filters: [] },
  };
}

function executionNotes({ execution, obstacle }: ExecutionOutcome, demands: ExecutionDemands): string[] {
  const notes: string[] = [];
  if (obstacle !== null && !isMissed({ obstacle }, demands))
    notes.push(sentence(`The models were not executed: ${obstacle.reason}`));
  if (execution !== null && execution.verdict === null && demands.demand !== 'all')
    notes.push(sentence(`The models were executed, but not compared: ${execution.reason}`));
  if (execution?.fellBack === true && !demands.requireGpu)
    notes.push(sentence(`No GPU executed the models: ${execution.providerDetail}`));
  return notes;
}
