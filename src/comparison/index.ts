export { compareGraphs, type GraphComparison, type GraphDifference } from './compare.ts';
export { type EqualTensors, equalTensors } from './equal-tensors.ts';
export { inputsOf, interfaceDifferences, pairInputs } from './interface.ts';
export type { Unseen } from './unseen.ts';
