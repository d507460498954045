export { type CutModel, type WriteCopy, writeCut } from './cut.ts';
export { scalingNumbers } from './head-scales.ts';
export type { Cut, HeadScale, PrunerFaults } from './kept.ts';
export { type LayerZeros, type Zeros, zeroEdits, zerosOf } from './zeros.ts';
