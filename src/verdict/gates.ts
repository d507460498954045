import type { Gates } from '../config/index.ts';
import type { NetworkSize } from '../network/index.ts';
import { counted, joined, percent } from '../prose/index.ts';
import { type Flips, flipLine } from './baseline.ts';
import type { Finding, Judgement, PlaceOf } from './types.ts';
import { withFindings } from './worst.ts';

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
  /** Its quartiles: half of all neighbouring runs lie between; null where they are not known. */
  readonly latencyNoise: { readonly low: number; readonly high: number } | null;
  /** Medians in milliseconds, for the message. */
  readonly latencyMs: Cost;
  /** How the model stands to its baseline; null where none was given. */
  readonly flips: Flips | null;
}

/** Adds a finding for each gate that pruning did not pass, and for each that could not be checked. */
export function judgeGates(judgement: Judgement, gates: Gates, gains: Gains, at: PlaceOf<keyof Gates>): Judgement {
  const findings = Object.entries(GATES).flatMap(([key, result]): Finding[] => {
    const gate = key as keyof Gates;
    const limit = gates[gate];
    const found = limit === null ? null : result(limit, gains);
    return found === null
      ? []
      : [{ kind: 'gate', layers: [], ...found, place: { ...at(gate), layer: found.layers?.[0] ?? null, filters: [] } }];
  });
  return withFindings(judgement, findings, noiseNotes(gates, gains));
}

/** What is wrong with a gate; null where pruning passes it. */
type GateResult = (Pick<Finding, 'verdict' | 'title' | 'details'> & { readonly layers?: readonly string[] }) | null;

const GATES: { readonly [Gate in keyof Gates]: (limit: number, gains: Gains) => GateResult } = {
  minParameterReduction: (least, { parameters }) =>
    reduction('min-parameter-reduction', 'parameters', least, parameters),
  minMacReduction: (least, { macs }) => reduction('min-mac-reduction', 'multiply-accumulates', least, macs),
  minSizeReduction: (least, { bytes }) => reduction('min-size-reduction', 'bytes', least, bytes),
  maxLatencyRatio: latency,
  maxFiltersFlipped: flips,
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

function latency(most: number, { latencyRatio: ratio, latencyNoise, latencyMs: { dense, pruned } }: Gains): GateResult {
  if (ratio === null || dense === null || pruned === null)
    return unchecked('max-latency-ratio', 'Latencies were not measured; that takes execute and onnxruntime.');
  // Where the quartiles reach down to what is allowed, the next run may pass: that is noise, and no reason to fail.
  if (ratio <= most || (latencyNoise !== null && latencyNoise.low <= most)) return null;
  return {
    verdict: 'mismatch',
    title: `the pruned model takes ${round(ratio)} of the dense one's time, more than max-latency-ratio allows, ${most}`,
    details: [
      `Median latencies are ${round(dense)} ms dense and ${round(pruned)} ms pruned.${latencyNoise === null ? '' : ` Half of the ratios lie between ${round(latencyNoise.low)} and ${round(latencyNoise.high)}: it is no noise.`}`,
    ],
  };
}

function noiseNotes({ maxLatencyRatio: most }: Gates, { latencyRatio: ratio, latencyNoise }: Gains): string[] {
  if (most === null || ratio === null || latencyNoise === null || ratio <= most || latencyNoise.low > most) return [];
  return [
    `The latency ratio is ${round(ratio)}, more than max-latency-ratio allows, ${most}; half of the ratios lie between ${round(latencyNoise.low)} and ${round(latencyNoise.high)}, so that it may be noise, and does not fail.`,
  ];
}

/** Layers of a finding that are told one by one. */
const MAX_FLIPPED = 12;

function flips(most: number, { flips: found }: Gains): GateResult {
  const gate = 'max-filters-flipped';
  if (found === null) return unchecked(gate, 'No baseline is given: name the report of another run with baseline.');
  if (found.problem !== null) return unchecked(gate, `There is no baseline: ${found.problem}.`);
  const { count, flipped, open, added, gone } = found;
  if (count > most) {
    const layers = flipped.map(({ layer }) => layer);
    return {
      verdict: 'mismatch',
      title: `${counted(count, 'filter')} of ${joined(layers)} flipped since the baseline, more than ${gate} allows, ${most}`,
      details: [
        ...flipped.slice(0, MAX_FLIPPED).map((layer) => `${flipLine(layer)}.`),
        ...(layers.length > MAX_FLIPPED ? [`... and ${counted(layers.length - MAX_FLIPPED, 'more layer')}.`] : []),
      ],
      layers,
    };
  }
  const untold = [...open, ...added, ...gone];
  return untold.length === 0
    ? null
    : unchecked(gate, `What became of ${joined(untold)} since the baseline cannot be told.`);
}

function unchecked(gate: string, why: string): GateResult {
  return { verdict: 'unverifiable', title: `${gate} could not be checked`, details: [why] };
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
