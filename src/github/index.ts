export { type Annotations, annotationsOf } from './annotations.ts';
export { type EventContext, readEvent } from './events.ts';
export { neutral } from './log.ts';
export { inWorkspace, reviewPlace } from './place.ts';
export { type Channel, publish, publishFailure } from './publish.ts';
export { commentKey } from './stamp.ts';
export { refusalToRun } from './trust.ts';
