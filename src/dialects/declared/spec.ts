import type { SpecDocument } from '../../config/spec.ts';
import { validate } from '../../config/validate.ts';
import { isMapping, valueAt } from '../../config/values.ts';
import { inputErrorAt, type KeyPath } from '../../errors/place.ts';
import type { NamedFile } from '../shared/scores-file.ts';
import type { Spec } from '../types.ts';
import { matches } from './glob.ts';
import type { DeclaredKeys, DeepPartial, FormKeys, KeepKeys, LayerKeys, ValueName } from './keys.ts';
import { DEFAULTS, PRESETS } from './presets.ts';
import { validateSpec } from './spec.validator.generated.js';

/** A declared spec with its preset and defaults filled in. */
export interface DeclaredSpec extends Spec {
  readonly keys: DeclaredKeys;
  /** Scores of `value: file`; null otherwise. */
  readonly scores: NamedFile | null;
  /** How many filters of a layer, or of the group whose first member it is, stay. */
  keepOf(layer: string): KeepKeys;
  formOf(layer: string): FormKeys;
  isExcluded(layer: string): boolean;
  /** The key that says how many filters of a layer stay. */
  keepKey(layer: string): string;
}

type Written = DeepPartial<DeclaredKeys>;

/** @throws InputError naming file, line, key, value and what is allowed */
export function readDeclaredSpec(document: SpecDocument): DeclaredSpec {
  const written = validate<Written>(validateSpec, document.section, (path) => document.at(path));
  const keys = merged(merged(DEFAULTS, PRESETS[written.preset ?? ''] ?? {}), written) as DeclaredKeys;
  const { value, axis, file } = keys.importance;
  const at = (path: KeyPath): ReturnType<SpecDocument['at']> => document.at(givenPath(document, written, path));
  if (value === 'file' && file === null)
    throw inputErrorAt(at(['importance', 'file']), 'is required for value: file: name an .npz of scores');
  if (value !== 'file' && file !== null)
    throw inputErrorAt(at(['importance', 'file']), `is read for value: file alone, and value is ${value}`, file);
  if (axis === 'in' && !NORMS.includes(value))
    throw inputErrorAt(at(['importance', 'axis']), `must be out for value: ${value}: columns have norms alone`, axis);
  checkAmount(keys.keep, () => at(['keep', 'amount']));
  for (const pattern of Object.keys(keys.layers))
    checkAmount(keepFor(keys, [pattern]), () => at(['layers', pattern, 'keep', 'amount']));
  return specOf(document, keys, at);
}

const LAYERS = 'layers.';
const NORMS: readonly ValueName[] = ['l1', 'l2', 'l2sq', 'mean-abs'];

function specOf(
  document: SpecDocument,
  keys: DeclaredKeys,
  at: (path: KeyPath) => ReturnType<SpecDocument['at']>,
): DeclaredSpec {
  // A pattern may hold dots itself.
  const pathOf = (key: string | KeyPath): KeyPath =>
    typeof key !== 'string' ? key : key.startsWith(LAYERS) ? ['layers', key.slice(LAYERS.length)] : key.split('.');
  const { file } = keys.importance;
  return {
    ...rulesOf(keys),
    effective: { ...keys },
    summary: summaryOf(keys),
    file: document.file,
    line: (key) => {
      const place = at(pathOf(key));
      return place.file === document.file ? place.line : null;
    },
    at: (key) => at(pathOf(key)),
    scores: file === null ? null : { path: file, at: document.at(['importance', 'file']), read: document.read },
  };
}

/** The same spec with other keys. */
export function withKeys(spec: DeclaredSpec, keys: Partial<DeclaredKeys>): DeclaredSpec {
  return { ...spec, ...rulesOf({ ...spec.keys, ...keys }) };
}

function rulesOf(keys: DeclaredKeys): Pick<DeclaredSpec, 'keys' | 'keepOf' | 'formOf' | 'isExcluded' | 'keepKey'> {
  const patternsOf = (layer: string): readonly string[] =>
    Object.keys(keys.layers).filter((pattern) => matches(pattern, layer));
  return {
    keys,
    keepOf: (layer) => keepFor(keys, patternsOf(layer)),
    formOf: (layer) =>
      patternsOf(layer).reduce<FormKeys>((form, pattern) => formWith(form, keys.layers[pattern]!), keys),
    isExcluded: (layer) => keys.exclude.some((pattern) => matches(pattern, layer)),
    keepKey: (layer) => {
      const own = patternsOf(layer).findLast((pattern) => keys.layers[pattern]!.keep !== undefined);
      return own === undefined ? 'keep' : `${LAYERS}${own}`;
    },
  };
}

function keepFor({ keep, layers }: DeclaredKeys, patterns: readonly string[]): KeepKeys {
  return patterns.reduce((keys, pattern) => merged(keys, layers[pattern]!.keep ?? {}) as KeepKeys, keep);
}

function formWith(form: FormKeys, own: LayerKeys): FormKeys {
  return {
    form: own.form ?? form.form,
    zeroes: own.zeroes ?? form.zeroes,
    compensation: own.compensation ?? form.compensation,
  };
}

function checkAmount({ rule, amount }: KeepKeys, at: () => ReturnType<SpecDocument['at']>): void {
  const isShare = rule === 'ratio' || rule === 'rank-threshold';
  if (isShare && amount > 1) throw inputErrorAt(at(), `must be a share from 0 to 1 for rule: ${rule}`, amount);
  if ((rule === 'remove' || rule === 'keep') && !Number.isInteger(amount))
    throw inputErrorAt(at(), `must be a number of filters for rule: ${rule}`, amount);
}

/** The path itself where the spec gives it, else that of the preset that fills it in. */
function givenPath(document: SpecDocument, written: Written, path: KeyPath): KeyPath {
  const isGiven = valueAt(document.section, path) !== undefined;
  return isGiven || written.preset == null || path[0] === 'preset' ? path : ['preset'];
}

/** Values of `over` where it has them; mappings are merged, lists are not. */
function merged(base: object, over: object): object {
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const known = result[key];
    result[key] = isMapping(known) && isMapping(value) && key !== 'layers' ? merged(known, value) : value;
  }
  return result;
}

/** One line for the head of a report: `l2 of filters, sum over coupled layers, ratio 0.5 (remove-floor), removed`. */
function summaryOf({ preset, importance, group, keep, form, zeroes, compensation }: DeclaredKeys): string {
  const of = importance.axis === 'in' ? 'columns that read a channel' : 'filters';
  const scored = importance.value === 'bn-gamma' ? 'BatchNorm gammas' : `${importance.value} of ${of}`;
  const joined =
    group.coupled === 'together' ? `${group.score} over coupled layers` : `coupled layers ${group.coupled}`;
  const rounded = keep.rule === 'ratio' ? ` (${keep.rounding})` : '';
  const kept =
    keep.rule === 'as-pruned' ? 'as many as the pruned model keeps' : `${keep.rule} ${keep.amount}${rounded}`;
  const left = form === 'removed' ? 'removed' : `zeroed (${zeroes.join(', ')})`;
  const compensated = compensation === 'none' ? '' : ', compensated in biases';
  return `${preset === null ? '' : `${preset}: `}${scored}, ${joined}, ${kept}, ${left}${compensated}`;
}
