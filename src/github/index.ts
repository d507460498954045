export { type Annotation, annotationsOf } from './annotations.ts';
export { neutral } from './log.ts';
export { writeSummary } from './summary.ts';
