import type { ModelRequest } from '../config/index.ts';
import { oneLine } from '../errors/input-error.ts';
import { shellWord } from '../prose/index.ts';

/** The command that explains the spec's decisions on a model; null where no spec is named. */
export function explainCommand({ name, dense, spec }: ModelRequest): string | null {
  if (spec === null) return null;
  // A spec that stands in prunegate.yml is found by the model's name.
  const isInline = ['models', 'spec'].includes(String(spec.sectionPath[0]));
  if (!isInline) return `prunegate explain${oneLine(` --dense ${shellWord(dense)} --spec ${shellWord(spec.file)}`)}`;
  return `prunegate explain${name === null ? '' : oneLine(` --model ${shellWord(name)}`)}`;
}
