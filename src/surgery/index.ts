export { type CutModel, type WriteCopy, writeCut } from './cut.ts';
export { scalesOf } from './head-scales.ts';
export { type Cut, cutChannels, type HeadScale, type PrunerFaults } from './kept.ts';
export { type LayerZeros, type Zeros, zeroEdits, zerosOf } from './zeros.ts';
