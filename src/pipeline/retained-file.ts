import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InputError } from '../errors/input-error.ts';
import { openModel, readWhole, writeWhole } from '../files/index.ts';
import type { RetainedIndices } from '../network/index.ts';
import { renderJson } from '../report/index.ts';

/** `{layer: [retained indices]}` of every prunable layer, as --reported reads it. */
export type Retained = Readonly<Record<string, RetainedIndices>>;

/** Entry of metadata_props in which a pruned model carries its list. */
export const RETAINED_ENTRY = 'prunegate.retained';

/** A list of a large model takes a few hundred kilobytes; what is larger was never written here. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Models beside a list that are looked at for it. */
const MAX_MODELS = 100;

/** Where the list of what a pruned model retains lies. */
export function retainedFile(model: string): string {
  return join(dirname(model), 'retained.json');
}

export function writeRetained(file: string, retained: Retained): void {
  writeWhole(file, renderJson(retained));
}

/**
 * A list of that name may be the user's own, from another pruner: it is replaced where it says the same, or where a model
 * beside it carries it, which is as prunegate leaves them.
 * @throws InputError where it is somebody else's
 */
export function requireOwn(file: string, retained: Retained): void {
  if (!existsSync(file)) return;
  const refuse = (problem: string) => new InputError(problem, { file });
  const text = new TextDecoder().decode(readWhole(file, MAX_BYTES, refuse).bytes);
  if (text === renderJson(retained) || modelsBeside(file).some((model) => carriedBy(model) === text)) return;
  throw refuse('was not written by prunegate: move it away, or name another folder to write to');
}

function modelsBeside(file: string): readonly string[] {
  const folder = dirname(file);
  const names = readdirSync(folder).filter((name) => name.endsWith('.onnx'));
  return names.slice(0, MAX_MODELS).map((name) => join(folder, name));
}

/** The list that a model carries, as it would be written; null where it carries none, or is no model. */
function carriedBy(path: string): string | null {
  try {
    const { model, close } = openModel(path);
    close();
    const entry = model.metadata.get(RETAINED_ENTRY);
    return entry === undefined ? null : renderJson(JSON.parse(entry));
  } catch (error) {
    if (error instanceof InputError || error instanceof SyntaxError) return null;
    throw error;
  }
}
