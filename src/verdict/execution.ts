import type { Execution } from '../execution/types.ts';
import type { Finding, Judgement, RunVerdict } from './types.ts';

/** What became of executing the models. */
export interface Executed {
  /** null where they were not executed. */
  readonly execution: Execution | null;
  /** Why they were not, as the end of a sentence; null where they were, or where nobody asked. */
  readonly obstacle: string | null;
  readonly notes: readonly string[];
}

/** What must not be missing. */
export interface ExecutionDemands {
  readonly requireGpu: boolean;
  /** Whether executing is all that was asked for, so that there is no verdict without it. */
  readonly isAll: boolean;
}

/** Adds what executing the models showed. What could not be executed changes no verdict unless it was demanded. */
export function judgeExecution(judgement: Judgement, executed: Executed, demands: ExecutionDemands): Judgement {
  const { execution, obstacle } = executed;
  if (execution === null && obstacle === null) return judgement;
  const findings = [
    ...(execution?.verdict === 'different' ? [difference(judgement, execution)] : []),
    ...gpuFindings(executed, demands),
    ...(demands.isAll ? openFindings(executed) : []),
  ];
  return {
    ...judgement,
    verdict: worst(demands.isAll ? 'conforms' : judgement.verdict, findings),
    findings: merged(judgement.findings, findings),
    notes: [...judgement.notes, ...executed.notes, ...executionNotes(executed, demands)],
  };
}

function difference({ layers }: Judgement, { reason, firstDifference }: Execution): Finding {
  const layer = firstDifference?.layer;
  return {
    layers: layers.some(({ name }) => name === layer) ? [layer!] : [],
    verdict: 'mismatch',
    title: 'the pruned model does not compute what the dense one does with the same channels cut',
    details: [
      sentence(reason),
      ...(firstDifference === null
        ? []
        : [sentence(`At ${firstDifference.layer} (${firstDifference.tensor}), ${firstDifference.detail}`)]),
    ],
    specKey: 'threshold',
  };
}

function gpuFindings({ execution, obstacle }: Executed, { requireGpu }: ExecutionDemands): Finding[] {
  if (!requireGpu || (execution !== null && !execution.fellBack)) return [];
  return [
    {
      layers: [],
      verdict: 'unverifiable',
      title: execution === null ? 'the models were not executed on a GPU' : 'onnxruntime did not use the GPU',
      details: [sentence(capitalized(execution?.providerDetail ?? obstacle ?? ''))],
      specKey: 'threshold',
    },
  ];
}

/** Where nothing else is judged, what could not be executed or compared leaves nothing. */
function openFindings({ execution, obstacle }: Executed): Finding[] {
  if (execution !== null && execution.verdict !== null) return [];
  return [
    {
      layers: [],
      verdict: 'unverifiable',
      title: execution === null ? 'the models were not executed' : 'the models were executed, but not compared',
      details: [sentence(capitalized(execution?.reason ?? obstacle ?? ''))],
      specKey: 'threshold',
    },
  ];
}

function executionNotes({ execution, obstacle }: Executed, { requireGpu, isAll }: ExecutionDemands): string[] {
  const notes: string[] = [];
  if (execution === null && !isAll) notes.push(sentence(`The models were not executed: ${obstacle}`));
  if (execution !== null && execution.verdict === null && !isAll)
    notes.push(sentence(`The models were executed, but not compared: ${execution.reason}`));
  if (execution?.fellBack === true && !requireGpu)
    notes.push(sentence(`No GPU executed the models: ${execution.providerDetail}`));
  return notes;
}

const ORDER: readonly RunVerdict[] = ['diverges', 'unverifiable', 'conforms'];

/** The verdict with more findings: never a better one. */
export function worst(verdict: RunVerdict | null, findings: readonly Finding[]): RunVerdict | null {
  const found = findings.map((finding): RunVerdict => (finding.verdict === 'mismatch' ? 'diverges' : 'unverifiable'));
  return ORDER.find((one) => one === verdict || found.includes(one)) ?? null;
}

/** Mismatches before what could not be verified, earlier ones first. */
export function merged(before: readonly Finding[], added: readonly Finding[]): readonly Finding[] {
  const all = [...before, ...added];
  return [
    ...all.filter(({ verdict }) => verdict === 'mismatch'),
    ...all.filter(({ verdict }) => verdict !== 'mismatch'),
  ];
}

/** Names of programs keep their spelling. */
function capitalized(text: string): string {
  return /^(onnxruntime|npm|cuda|tensorrt)\b/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);
}

function sentence(text: string): string {
  return /[.?!]$/.test(text) ? text : `${text}.`;
}
