export { type CutModel, writeCut } from './cut.ts';
export type { Cut, PrunerFaults } from './kept.ts';
