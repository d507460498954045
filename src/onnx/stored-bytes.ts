import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { externalLocations } from './element-sinks.ts';
import type { OnnxModel } from './model.ts';

/** Bytes of a model's file and of the files beside it that hold its tensors; one that is missing counts for nothing. */
export function storedBytes(model: OnnxModel): number {
  const folder = dirname(model.path);
  return externalLocations(model).reduce(
    (bytes, location) => bytes + (statSync(join(folder, location), { throwIfNoEntry: false })?.size ?? 0),
    model.size,
  );
}
