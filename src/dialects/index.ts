import { InputError } from '../config/index.ts';
import { taoTf2 } from './tao-tf2/index.ts';
import type { Dialect } from './types.ts';

export type { Dialect, EqualizationGroup, Expectation, JointOutcomes, LayerExpectation, Refusal, Spec, Tie } from './types.ts';

const DIALECTS: readonly Dialect[] = [taoTf2];

/** The pruner that a spec names. */
export function dialectOf(name: string, at: { readonly file: string; readonly line: number | null }): Dialect {
  const found = DIALECTS.find((dialect) => dialect.name === name);
  if (found !== undefined) return found;
  const known = DIALECTS.map((dialect) => dialect.name).join(', ');
  throw new InputError(`must be one of ${known}`, { file: at.file, ...(at.line === null ? {} : { line: at.line }), key: 'dialect', value: name });
}
