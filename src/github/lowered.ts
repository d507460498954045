import type { PolicyChange } from '../config/index.ts';
import { loweredFinding } from '../verdict/index.ts';
import { printAnnotation } from './annotations.ts';
import { inWorkspace } from './place.ts';

/** One error for each setting by which a pull request asks for less than its base. */
export function annotateLowered(changes: readonly PolicyChange[], workspace: string | undefined): void {
  for (const change of changes) {
    const { title, details, place } = loweredFinding(change);
    const message = details.join('\n');
    printAnnotation({ level: 'error', title: `prunegate: ${title}`, message, ...inWorkspace(place, workspace) });
  }
}
