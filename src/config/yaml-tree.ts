import { type Document, isAlias, isMap, isScalar, type LineCounter, type Node, type Pair, type Scalar } from 'yaml';
import type { KeyPath } from '../errors/place.ts';
import { type Mapping, mappingOf } from './values.ts';

/** Values that aliases may add to a document in all: a limit against alias bombs (CWE-776). */
const MAX_ALIASED_VALUES = 10_000;
/** Levels of nesting; the deepest sensible file has six. */
export const MAX_DEPTH = 64;

/** One value of a YAML document with its place. Aliases share nodes. */
export interface YamlNode {
  /** Plain data: null-prototype mappings, lists, strings, numbers, booleans, null; frozen. */
  readonly value: unknown;
  /** One-based line on which the value starts. */
  readonly line: number;
  /** The scalar as the file spells it, without quotes; null for lists and mappings. */
  readonly source: string | null;
  /** By key or list position; empty for scalars. */
  readonly children: ReadonlyMap<string, YamlChild>;
  /** Where a scalar begins and ends in the text, quotes included; null for lists and mappings. */
  readonly span: readonly [number, number] | null;
  /** How many values this one is when aliases are written out. */
  readonly size: number;
}

/** A value and the line of its key (of its own for list items). */
export interface YamlChild {
  readonly keyLine: number;
  readonly node: YamlNode;
}

/** Makes the error for a problem in a YAML text: thrown by whoever reads it. */
export type YamlFailure = (problem: string, line: number, path: KeyPath) => Error;

interface Build {
  readonly lines: LineCounter;
  readonly fail: YamlFailure;
  readonly anchors: Map<string, YamlNode | 'open'>;
  aliased: number;
}

/**
 * A parsed document as values with lines; null for one without content. Every mapping key is a string, duplicate keys are refused here
 * (in linear time, unlike the parser's own check), and so are tags, recursive and excessive aliases, and deep nesting.
 * @throws what `fail` makes.
 */
export function treeOf(document: Document.Parsed, lines: LineCounter, fail: YamlFailure): YamlNode | null {
  const { contents } = document;
  if (contents === null) return null;
  return build(contents, [], { lines, fail, anchors: new Map(), aliased: 0 }, 1);
}

function build(node: Node | null, path: KeyPath, state: Build, line: number): YamlNode {
  if (node === null) return leaf(null, '', line);
  const start = lineAt(node, state, line);
  if (path.length > MAX_DEPTH) throw state.fail(`is nested deeper than ${MAX_DEPTH} levels`, start, path.slice(0, 3));
  if (isAlias(node)) return aliasTarget(node.source, path, state, start);
  if (node.tag !== undefined) {
    throw state.fail(`has the tag ${shortTag(node.tag)}: tags are not supported, write the plain value`, start, path);
  }
  if (node.anchor !== undefined) state.anchors.set(node.anchor, 'open');
  const built = isScalar(node) ? scalar(node, start) : collection(node, path, state, start);
  if (node.anchor !== undefined) state.anchors.set(node.anchor, built);
  return built;
}

function aliasTarget(name: string, path: KeyPath, state: Build, line: number): YamlNode {
  const target = state.anchors.get(name);
  if (target === undefined) throw state.fail(`the alias *${name} has no anchor &${name} before it`, line, path);
  if (target === 'open') throw state.fail(`the alias *${name} stands inside its own anchor`, line, path);
  state.aliased += target.size;
  if (state.aliased > MAX_ALIASED_VALUES) {
    throw state.fail(`its aliases expand to more than ${MAX_ALIASED_VALUES} values: write the values out`, line, path);
  }
  return target;
}

function collection(node: Node, path: KeyPath, state: Build, line: number): YamlNode {
  const children = isMap(node)
    ? mapChildren(node.items as readonly Pair<Node, Node | null>[], path, state, line)
    : listChildren((node as unknown as { readonly items: readonly (Node | null)[] }).items, path, state, line);
  const nodes = [...children].map(([key, child]) => [key, child.node.value] as const);
  const value: Mapping | readonly unknown[] = isMap(node) ? mappingOf(nodes) : nodes.map(([, item]) => item);
  let size = 1;
  for (const child of children.values()) size += child.node.size;
  return { value: Object.freeze(value), line, source: null, children, span: null, size };
}

function listChildren(items: readonly (Node | null)[], path: KeyPath, state: Build, line: number) {
  const children = new Map<string, YamlChild>();
  items.forEach((item, index) => {
    const keyLine = item === null ? line : lineAt(item, state, line);
    children.set(String(index), { keyLine, node: build(item, [...path, index], state, keyLine) });
  });
  return children;
}

function mapChildren(pairs: readonly Pair<Node, Node | null>[], path: KeyPath, state: Build, line: number) {
  const own = new Map<string, YamlChild>();
  const merged = new Map<string, YamlChild>();
  for (const pair of pairs) {
    const keyLine = lineAt(pair.key, state, line);
    const key = keyText(pair.key, path, state, keyLine);
    const keyPath = [...path, key];
    const earlier = own.get(key);
    if (earlier !== undefined) throw state.fail(`is given twice, first on line ${earlier.keyLine}`, keyLine, keyPath);
    const node = build(pair.value, keyPath, state, keyLine);
    // YAML 1.1 merge keys: PyYAML takes them.
    if (key === '<<' && (pair.key as Scalar).type === 'PLAIN') {
      for (const [name, child] of mergeSources(node, keyPath, state, keyLine)) {
        if (!merged.has(name)) merged.set(name, child);
      }
    } else own.set(key, { keyLine, node });
  }
  for (const [name, child] of merged) if (!own.has(name)) own.set(name, child);
  return own;
}

function keyText(key: Node, path: KeyPath, state: Build, line: number): string {
  if (!isScalar(key)) throw state.fail('has a key that is not plain text', line, path);
  if (key.tag !== undefined) {
    throw state.fail(`has a key with the tag ${shortTag(key.tag)}: tags are not supported`, line, path);
  }
  return String(key.value);
}

function mergeSources(
  node: YamlNode,
  path: KeyPath,
  state: Build,
  line: number,
): readonly (readonly [string, YamlChild])[] {
  const sources = Array.isArray(node.value) ? [...node.children.values()].map((child) => child.node) : [node];
  return sources.flatMap((source) => {
    if (source.source !== null || Array.isArray(source.value))
      throw state.fail('must name a mapping to merge', line, path);
    return [...source.children];
  });
}

function scalar(node: Scalar, line: number): YamlNode {
  const source = node.source ?? '';
  // `010` is ten in YAML 1.2 and eight in PyYAML (YAML 1.1): kept as text, so that nobody counts with either.
  const ambiguous = node.type === 'PLAIN' && /^[-+]?0[0-9]+$/.test(source);
  const [start, end] = node.range ?? [];
  const span = start === undefined || end === undefined ? null : ([start, end] as const);
  return leaf(ambiguous ? source : node.value, source, line, span);
}

function leaf(value: unknown, source: string, line: number, span: YamlNode['span'] = null): YamlNode {
  return { value, source, line, children: new Map(), span, size: 1 };
}

function lineAt(node: Node, state: Build, otherwise: number): number {
  const offset = node.range?.[0];
  return offset === undefined ? otherwise : Math.max(1, state.lines.linePos(offset).line);
}

function shortTag(tag: string): string {
  return tag.replace(/^tag:yaml\.org,2002:/, '!!');
}

/** The node at a path, or the nearest ancestor that exists, with the line of its key. */
export function descend(root: YamlNode, path: KeyPath): { readonly exact: boolean; readonly at: YamlChild } {
  let at: YamlChild = { keyLine: root.line, node: root };
  for (const key of path) {
    const child = at.node.children.get(String(key));
    if (child === undefined) return { exact: false, at };
    at = child;
  }
  return { exact: true, at };
}
