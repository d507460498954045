export { type CutModel, type WriteCopy, writeCut } from './cut.ts';
export type { Cut, PrunerFaults } from './kept.ts';
