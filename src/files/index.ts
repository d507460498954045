export { type ModelFile, openModel } from './open-model.ts';
export { readStart, readWhole } from './read-whole.ts';
export { type WrittenModel, writeModel } from './write-model.ts';
