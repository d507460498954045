import type { ModelRequest } from '../config/index.ts';
import { oneLine } from '../errors/input-error.ts';
import { shellWord } from '../prose/index.ts';

/** The command that explains the spec's decisions on a model; null where no spec is named. */
export function explainCommand({ spec, again }: ModelRequest): string | null {
  return spec === null ? null : ['prunegate explain', ...again.map((word) => oneLine(shellWord(word)))].join(' ');
}
