import type { Gates } from '../config/index.ts';
import type { NetworkSize } from '../network/index.ts';
import { percent } from '../prose/index.ts';
import type { Finding, Judgement, PlaceOf } from './types.ts';
import { worst, worstFirst } from './worst.ts';

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
export function judgeGates(judgement: Judgement, gates: Gates, gains: Gains, at: PlaceOf<keyof Gates>): Judgement {
  const findings = Object.entries(GATES).flatMap(([key, result]): Finding[] => {
    const gate = key as keyof Gates;
    const limit = gates[gate];
    const found = limit === null ? null : result(limit, gains);
    return found === null
      ? []
      : [{ kind: 'gate', ...found, layers: [], place: { ...at(gate), layer: null, filters: [] } }];
  });
  if (findings.length === 0) return judgement;
  return {
    ...judgement,
    verdict: worst(judgement.verdict, findings),
    findings: worstFirst([...judgement.findings, ...findings]),
  };
}

/** What is wrong with a gate; null where pruning passes it. */
type GateResult = Pick<Finding, 'verdict' | 'title' | 'details'> | null;

const GATES: { readonly [Gate in keyof Gates]: (limit: number, gains: Gains) => GateResult } = {
  minParameterReduction: (least, { parameters }) =>
    reduction('min-parameter-reduction', 'parameters', least, parameters),
  minMacReduction: (least, { macs }) => reduction('min-mac-reduction', 'multiply-accumulates', least, macs),
  minSizeReduction: (least, { bytes }) => reduction('min-size-reduction', 'bytes', least, bytes),
  maxLatencyRatio: latency,
};

function reduction(gate: string, unit: string, least: number, { dense, pruned }: Cost): GateResult {
  if (dense === null || pruned === null || dense === 0)
    return unchecked(gate, `How many ${unit} the models take could not be determined.`);
  const share = 1 - pruned / dense;
  if (share >= least) return null;
  return {
    verdict: 'mismatch',
    title: `pruning saves ${percent(share, 4)} of the ${unit}, less than ${gate} asks for, ${percent(least, 4)}`,
    details: [`The dense model takes ${dense} ${unit}, the pruned one ${pruned}.`],
  };
}

function latency(most: number, { latencyRatio: ratio, latencyMs: { dense, pruned } }: Gains): GateResult {
  if (ratio === null || dense === null || pruned === null)
    return unchecked('max-latency-ratio', 'Latencies were not measured; that takes execute and onnxruntime.');
  if (ratio <= most) return null;
  return {
    verdict: 'mismatch',
    title: `the pruned model takes ${round(ratio)} of the dense one's time, more than max-latency-ratio allows, ${most}`,
    details: [`Median latencies are ${round(dense)} ms dense and ${round(pruned)} ms pruned.`],
  };
}

function unchecked(gate: string, why: string): GateResult {
  return { verdict: 'unverifiable', title: `${gate} could not be checked`, details: [why] };
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
