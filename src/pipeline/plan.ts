import type { ModelRequest } from '../config/index.ts';

/**
 * The matrix of models for GitHub's `strategy: matrix: ${{ fromJSON(...) }}`: each leg gives its `model` to the input of that name. A
 * model without a name is the empty one, which chooses nothing.
 */
export function plan(requests: readonly ModelRequest[]): { readonly model: readonly string[] } {
  return { model: requests.map(({ name }) => name ?? '') };
}
