export { neutral } from '../process/neutral.ts';
export { printAnnotation } from './annotations.ts';
export { type BaseFile, readBaseFile } from './base-file.ts';
export { type Client, clientOf } from './client.ts';
export { type EventContext, readEvent } from './events.ts';
export { inWorkspace, pathInRepository, type ReviewPlace, reviewPlace } from './place.ts';
export { type Channel, type Publication, publish, publishFailure } from './publish.ts';
export { commentKey } from './stamp.ts';
export { refusalToRun } from './trust.ts';
