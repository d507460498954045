export { compareGraphs, type GraphComparison, type GraphDifference } from './compare.ts';
