export { judgeExecution } from './execution.ts';
export { type Gains, judgeGates } from './gates.ts';
export { type Evidence, judge } from './judge.ts';
export type { Finding, Judgement, LayerResult, LayerVerdict, RunVerdict } from './types.ts';
