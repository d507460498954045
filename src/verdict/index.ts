export { type Baseline, baselineNotes, type Flips, flipLine, flipsOf, none } from './baseline.ts';
export { judgeExecution } from './execution.ts';
export { type Conclusion, type Gate, type GatePolicy, gateOf, isExpected, isRecovered } from './gate.ts';
export { type Gains, judgeGates, type ModelSize } from './gates.ts';
export { type Evidence, judge } from './judge.ts';
export { differenceLine, judgeLock } from './lock.ts';
export { judgePolicy, loweredFinding, valueText } from './policy.ts';
export type {
  Finding,
  FindingKind,
  FindingPlace,
  Judgement,
  LayerResult,
  LayerVerdict,
  PlaceOf,
  RunVerdict,
} from './types.ts';
