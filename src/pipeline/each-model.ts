import type { ModelRequest } from '../config/index.ts';
import { InputError, oneLine } from '../errors/input-error.ts';
import type { ModelError } from '../report/index.ts';
import { type Confines, requireOwnFolder, within } from './confine.ts';

export interface CheckedModels<T> {
  readonly results: readonly T[];
  readonly errors: readonly ModelError[];
}

/**
 * Checks one model after the other, each within the confines. What is wrong with one does not hide what is found of the others.
 * @throws InputError of the only model, where there is but one, and for a report-dir out of the confines, into which pages of all models are written
 */
export async function eachModel<T>(
  requests: readonly ModelRequest[],
  log: (line: string) => void,
  confines: Confines | null,
  checkOne: (request: ModelRequest) => Promise<T>,
): Promise<CheckedModels<T>> {
  const results: T[] = [];
  const errors: ModelError[] = [];
  requireOwnFolder(requests, confines);
  for (const [k, request] of requests.entries()) {
    const model = request.name ?? 'model';
    if (requests.length > 1) log(`model ${k + 1} of ${requests.length}: ${oneLine(model)}`);
    try {
      results.push(await within(confines, request, checkOne));
    } catch (error) {
      if (!(error instanceof InputError) || requests.length === 1) throw error;
      errors.push({ model, message: error.message });
    }
  }
  return { results, errors };
}
