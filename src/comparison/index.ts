export { compareGraphs, type GraphComparison, type GraphDifference } from './compare.ts';
export type { Unseen } from './unseen.ts';
