export { type Evidence, judge } from './judge.ts';
export type { Finding, Judgement, LayerResult, LayerVerdict, RunVerdict } from './types.ts';
