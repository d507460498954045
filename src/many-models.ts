import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import picomatch from 'picomatch';
import { InputError, inputErrorAt, type ModelRequest, oneLine, type Place } from './config/index.ts';
import type { ModelError } from './report/index.ts';

/**
 * The matrix of models for GitHub's `strategy: matrix: ${{ fromJSON(...) }}`: each leg gives its `model` to the input of that name. A
 * model without a name is the empty one, which chooses nothing.
 */
export function planOf(requests: readonly ModelRequest[]): { readonly model: readonly string[] } {
  return { model: requests.map(({ name }) => name ?? '') };
}

export interface CheckedModels<T> {
  readonly results: readonly T[];
  readonly errors: readonly ModelError[];
}

/**
 * Checks one model after the other. What is wrong with one does not hide what is found of the others.
 * @throws InputError of the only model, where there is but one
 */
export async function eachModel<T>(
  requests: readonly ModelRequest[],
  log: (line: string) => void,
  checkOne: (request: ModelRequest) => Promise<T>,
): Promise<CheckedModels<T>> {
  const results: T[] = [];
  const errors: ModelError[] = [];
  for (const [k, request] of requests.entries()) {
    const model = request.name ?? 'model';
    if (requests.length > 1) log(`model ${k + 1} of ${requests.length}: ${oneLine(model)}`);
    try {
      results.push(await checkOne(request));
    } catch (error) {
      if (!(error instanceof InputError) || requests.length === 1) throw error;
      errors.push({ model, message: error.message });
    }
  }
  return { results, errors };
}

/**
 * The files that paths and patterns name, in order and once each.
 * @param patterns with `*`, `**`, `?` and `{a,b}`; a path that exists is itself
 * @throws InputError for one that names no file: a report that is missing must not pass
 */
export function reportFiles(patterns: readonly string[], at: Place): readonly string[] {
  if (patterns.length === 0) throw inputErrorAt(at, 'is required: name the reports to merge');
  const files = patterns.flatMap((pattern) => {
    if (isFile(pattern)) return [pattern];
    const found = matching(pattern);
    if (found.length === 0) throw inputErrorAt(at, 'names no file', pattern);
    return found;
  });
  return [...new Set(files)];
}

function matching(pattern: string): readonly string[] {
  const { base } = picomatch.scan(pattern);
  const folder = base === '' ? '.' : base;
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  const isMatch = picomatch(resolve(pattern).replaceAll('\\', '/'), { dot: true });
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => isMatch(resolve(file).replaceAll('\\', '/')))
    .sort();
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
