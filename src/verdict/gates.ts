import type { Gates } from '../config/index.ts';
import type { NetworkSize } from '../network/index.ts';
import { merged, worst } from './execution.ts';
import type { Finding, Judgement } from './types.ts';

/** What one model costs. */
export interface ModelSize extends NetworkSize {
  /** Of the model file and of the files beside it that hold its weights. */
  readonly bytes: number;
}

/** A cost of both models; null where it could not be measured. */
export interface Cost {
  readonly dense: number | null;
  readonly pruned: number | null;
}

/** What pruning bought. */
export interface Gains {
  readonly parameters: Cost;
  readonly macs: Cost;
  readonly bytes: Cost;
  /** The pruned model's latency over the dense one's; null where it was not measured. */
  readonly latencyRatio: number | null;
  /** Medians in milliseconds, for the message. */
  readonly latencyMs: Cost;
}

/** Adds a finding for each gate that pruning did not pass, and for each that could not be checked. */
export function judgeGates(judgement: Judgement, gates: Gates, gains: Gains): Judgement {
  const findings = [
    ...reduction('min-parameter-reduction', 'parameters', gates.minParameterReduction, gains.parameters),
    ...reduction('min-mac-reduction', 'multiply-accumulates', gates.minMacReduction, gains.macs),
    ...reduction('min-size-reduction', 'bytes', gates.minSizeReduction, gains.bytes),
    ...latency(gates.maxLatencyRatio, gains),
  ];
  if (findings.length === 0) return judgement;
  return {
    ...judgement,
    verdict: worst(judgement.verdict, findings),
    findings: merged(judgement.findings, findings),
  };
}

function reduction(gate: string, unit: string, least: number | null, { dense, pruned }: Cost): Finding[] {
  if (least === null) return [];
  if (dense === null || pruned === null || dense === 0)
    return [unchecked(gate, `How many ${unit} the models take could not be told.`)];
  const share = 1 - pruned / dense;
  if (share >= least) return [];
  return [
    failed(`pruning saves ${percent(share)} of the ${unit}, less than ${gate} asks for, ${percent(least)}`, [
      `The dense model takes ${dense} ${unit}, the pruned one ${pruned}.`,
    ]),
  ];
}

function latency(most: number | null, { latencyRatio: ratio, latencyMs: { dense, pruned } }: Gains): Finding[] {
  if (most === null) return [];
  if (ratio === null || dense === null || pruned === null)
    return [unchecked('max-latency-ratio', 'Latencies were not measured; that takes execute and onnxruntime.')];
  if (ratio <= most) return [];
  return [
    failed(
      `the pruned model takes ${round(ratio)} of the dense one's time, more than max-latency-ratio allows, ${most}`,
      [`Median latencies are ${round(dense)} ms dense and ${round(pruned)} ms pruned.`],
    ),
  ];
}

function failed(title: string, details: readonly string[]): Finding {
  return { layers: [], verdict: 'mismatch', title, details, specKey: 'threshold' };
}

function unchecked(gate: string, why: string): Finding {
  return {
    layers: [],
    verdict: 'unverifiable',
    title: `${gate} could not be checked`,
    details: [why],
    specKey: 'threshold',
  };
}

function percent(share: number): string {
  return `${round(100 * share)}%`;
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
