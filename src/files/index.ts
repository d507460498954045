export { asSeen, settle, TICK_MS } from './as-seen.ts';
export { isBelow, liesInside, pathBelow, whereabouts } from './below.ts';
export { makeFolder } from './make-folder.ts';
export { type ModelFile, modelParts, type OnRead, openModel } from './open-model.ts';
export { readStart, readWhole } from './read-whole.ts';
export { sha256 } from './sha256.ts';
export { makeTemporaryFolder } from './temporary-folder.ts';
export { writeWhole } from './write-file.ts';
export { type WrittenModel, writeModel } from './write-model.ts';
