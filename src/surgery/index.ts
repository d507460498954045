export { type CutModel, type WriteCopy, writeCut } from './cut.ts';
export type { Cut, PrunerFaults } from './kept.ts';
export { type LayerZeros, type Zeros, zeroEdits, zerosOf } from './zeros.ts';
