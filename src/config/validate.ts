import type { InputError } from '../errors/input-error.ts';
import { inputErrorAt, type KeyPath, type Locate } from '../errors/place.ts';
import { copied, mappingOf, nearest, valueAt } from './values.ts';

/** One way in which a value breaks its schema, as ajv tells it (with `verbose`). */
export interface SchemaIssue {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message?: string;
  readonly parentSchema?: Readonly<Record<string, unknown>>;
}

/** A validator that scripts/build-validators.mjs made: fills in defaults and lists every issue. */
export interface Validator {
  (value: unknown): boolean;
  errors?: readonly SchemaIssue[] | null;
}

/**
 * Compares a value with its schema.
 * @param at finds the place of a value by its path in `value`.
 * @returns a copy of the value with the schema's defaults filled in; mappings have no prototype.
 * @throws InputError for the mistake to mend first, with file, line, key, value and what is allowed.
 */
export function validate<T>(validator: Validator, value: unknown, at: Locate): T {
  const filled = copied(value);
  if (validator(filled)) return filled as T;
  throw firstMistake(validator.errors ?? [], value, at);
}

/** Whether values of this schema may have the key at their top. */
export function knowsKey(validator: Validator, key: string): boolean {
  validator(mappingOf([[key, null]]));
  return !(validator.errors ?? []).some(
    ({ keyword, instancePath, params }) =>
      keyword === 'additionalProperties' && instancePath === '' && params['additionalProperty'] === key,
  );
}

function firstMistake(issues: readonly SchemaIssue[], value: unknown, at: Locate): InputError {
  const mistakes = issues
    .map((issue) => ({ issue, path: pathOf(issue, value) }))
    .map((mistake) => ({ ...mistake, rank: rankOf(mistake.issue), line: at(mistake.path).line ?? 0 }))
    .sort((a, b) => a.rank - b.rank || a.line - b.line);
  const first = mistakes[0];
  if (first === undefined) return inputErrorAt(at([]), 'is not valid');
  const here = mistakes.filter(({ issue }) => issue.instancePath === first.issue.instancePath);
  // Where one of several schemas would do, what each of them asks for is allowed; else the mistakes add up, and one is enough to tell.
  const alternatives = here.filter(({ rank }) => rank === first.rank).map(({ issue }) => issue);
  const reported = here.some(({ issue }) => CHOICES.includes(issue.keyword)) ? alternatives : [first.issue];
  const found = valueAt(value, first.path);
  return inputErrorAt(at(first.path), problemOf(first.issue, reported, first.path, found), found);
}

const CHOICES: readonly string[] = ['anyOf', 'oneOf'];

/** A misspelt key explains a missing one, so it comes first; that no branch of a choice fits is said by the branches. */
function rankOf({ keyword }: SchemaIssue): number {
  if (keyword === 'additionalProperties') return 0;
  if (keyword === 'required') return 2;
  return [...CHOICES, 'if', 'not'].includes(keyword) ? 3 : 1;
}

function pathOf(issue: SchemaIssue, value: unknown): KeyPath {
  const path: (string | number)[] = [];
  for (const part of issue.instancePath.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(valueAt(value, path)) ? Number(key) : key);
  }
  const { additionalProperty, missingProperty } = issue.params;
  const last = additionalProperty ?? missingProperty;
  return last === undefined ? path : [...path, String(last)];
}

function problemOf(first: SchemaIssue, reported: readonly SchemaIssue[], path: KeyPath, found: unknown): string {
  if (first.keyword === 'required') return 'is required';
  if (first.keyword === 'additionalProperties') {
    const known = Object.keys(first.parentSchema?.properties ?? {}).filter((key) => !key.startsWith('$'));
    const meant = nearest(String(path.at(-1)), known);
    return meant === null
      ? `is no known key; known are ${known.join(', ')}`
      : `is no known key: did you mean ${meant}?`;
  }
  const meant = typeof found === 'string' ? nearest(found, reported.flatMap(allowedTexts)) : null;
  return `must ${[...new Set(reported.map(demandOf))].join(' or ')}${meant === null ? '' : `: did you mean ${meant}?`}`;
}

function allowedTexts({ keyword, params }: SchemaIssue): readonly string[] {
  return keyword === 'enum' ? (params.allowedValues as readonly unknown[]).map(String) : [];
}

/** What a schema asks for, as it reads after `must`. */
function demandOf(issue: SchemaIssue): string {
  const { keyword, params, parentSchema, message } = issue;
  switch (keyword) {
    case 'type':
      return `be ${[params.type].flat().map(typeName).join(' or ')}`;
    case 'enum':
      return `be one of ${allowedTexts(issue).join(', ')}`;
    case 'const':
      return `be ${JSON.stringify(params.allowedValue)}`;
    case 'minimum':
      return `be at least ${params.limit}`;
    case 'exclusiveMinimum':
      return `be above ${params.limit}`;
    case 'maximum':
      return `be at most ${params.limit}`;
    case 'exclusiveMaximum':
      return `be below ${params.limit}`;
    case 'minLength':
    case 'minItems':
      return params.limit === 1 ? 'not be empty' : `hold at least ${params.limit}`;
    case 'uniqueItems':
      return `not hold an item twice (items ${[Number(params.i) + 1, Number(params.j) + 1].sort((a, b) => a - b).join(' and ')})`;
    case 'pattern':
      return `be ${parentSchema?.description ?? `like ${params.pattern}`}`;
    default:
      return (message ?? 'be valid').replace(/^must /, '');
  }
}

function typeName(type: unknown): string {
  const names: Readonly<Record<string, string>> = {
    string: 'text',
    number: 'a finite number',
    integer: 'an integer',
    boolean: 'true or false',
    array: 'a list',
    object: 'a mapping',
    null: 'null',
  };
  return names[String(type)] ?? String(type);
}
