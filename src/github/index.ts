export { type Annotation, annotationsOf } from './annotations.ts';
export { type EventContext, readEvent } from './events.ts';
export { neutral } from './log.ts';
export { writeSummary } from './summary.ts';
export { refusalToRun } from './trust.ts';
