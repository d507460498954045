import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { type JsonLimits, measureJson } from '../bytes/index.ts';
import { validate } from '../config/validate.ts';
import { InputError } from '../errors/input-error.ts';
import { formatPath, inputErrorAt, type KeyPath, type Place } from '../errors/place.ts';
import { validateLock } from './lock.validator.generated.js';
import { indicesOf } from './ranges.ts';
import type { Lock, LockedLayer, LockedModel } from './types.ts';

/** A lock file of a hundred models of a hundred layers has one. */
export const MAX_LOCK_BYTES = 4 * 1024 * 1024;
/** `models`, a model, `layers`, a layer; the rest is room for a message about what is too much. */
const LIMITS: JsonLimits = { depth: 8, containers: 200_000, keys: 500_000 };
/** Indices of all layers, which a short text can name many of (CWE-409). */
const MAX_INDICES = 16_000_000;

interface StoredModel extends Omit<LockedModel, 'layers'> {
  readonly layers: Readonly<Record<string, { readonly filters: number; readonly retained: string }>>;
}

/**
 * Reads a lock file.
 * @param file how messages name it
 * @throws InputError for a file that is none, with the line
 */
export function parseLock(text: string, file: string): Lock {
  measureJson(text, LIMITS, (problem) => new InputError(problem, { file }));
  const root = treeOf(text, file);
  const lineOf = lineFinder(text);
  const at = (path: KeyPath): Place => ({
    file,
    line: lineOf(nodeAt(root, path)?.offset ?? root.offset),
    key: formatPath(path),
  });
  refuseDoubles(root, [], at);
  const value: unknown = JSON.parse(text);
  refuseNewer(value, at);
  const { models } = validate<{ readonly models: Readonly<Record<string, StoredModel>> }>(validateLock, value, at);
  let left = MAX_INDICES;
  const read = ([name, { layers, ...model }]: readonly [string, StoredModel]): readonly [string, LockedModel] => {
    const entries = Object.entries(layers).map(([layer, { filters, retained }]): readonly [string, LockedLayer] => {
      const indices = indicesOf(retained, Math.min(filters, left));
      if (typeof indices === 'string')
        throw inputErrorAt(at(['models', name, 'layers', layer, 'retained']), indices, retained);
      left -= indices.length;
      return [layer, { filters, retained: indices }];
    });
    return [name, { ...model, layers: new Map(entries) }];
  };
  return { file, models: new Map(Object.entries(models).map(read)), at };
}

function treeOf(text: string, file: string): Node {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
  const [first] = errors;
  if (root !== undefined && first === undefined) return root;
  const offset = first?.offset ?? 0;
  const line = lineFinder(text)(offset);
  const isConflict = /^(?:<{7}|={7}|>{7})/m.test(text);
  const problem = isConflict
    ? 'holds conflict markers of a merge: take one side, or write it anew with prunegate lock'
    : `is no JSON (${first === undefined ? 'it is empty' : printParseErrorCode(first.error)}): write it with prunegate lock`;
  throw new InputError(problem, { file, line });
}

/** A key that stands twice would hide what the first one says from who reads it, or from who reads on. */
function refuseDoubles(node: Node, path: KeyPath, at: (path: KeyPath) => Place): void {
  // The depth has been measured.
  const seen = new Set<unknown>();
  for (const [k, child] of (node.children ?? []).entries()) {
    if (node.type !== 'object') {
      refuseDoubles(child, [...path, k], at);
      continue;
    }
    const [key, value] = child.children ?? [];
    const own = [...path, String(key?.value)];
    if (seen.has(key?.value)) throw inputErrorAt(at(own), 'stands twice');
    seen.add(key?.value);
    if (value !== undefined) refuseDoubles(value, own, at);
  }
}

/** A mapping's key, for that is where its line is; the last of equal ones. */
function nodeAt(root: Node, path: KeyPath): Node | null {
  let node: Node = root;
  let found: Node = root;
  for (const part of path) {
    const children: readonly Node[] = node.children ?? [];
    const property =
      node.type === 'object'
        ? children.findLast((child) => child.children?.[0]?.value === part)
        : children[Number(part)];
    const value = node.type === 'object' ? property?.children?.[1] : property;
    if (property === undefined) return found;
    found = property;
    if (value === undefined) return found;
    node = value;
  }
  return found;
}

function lineFinder(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  };
}

function refuseNewer(value: unknown, at: (path: KeyPath) => Place): void {
  const version = typeof value === 'object' && value !== null && 'lockVersion' in value ? value.lockVersion : null;
  if (typeof version === 'number' && version > 1)
    throw inputErrorAt(at(['lockVersion']), 'is of a newer prunegate: this one reads version 1', version);
}
