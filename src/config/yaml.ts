import { Lexer, LineCounter, parseDocument, type YAMLError } from 'yaml';
import type { ReadNamed } from '../bytes/index.ts';
import { InputError } from '../errors/input-error.ts';
import { formatPath, inputErrorAt, type KeyPath } from '../errors/place.ts';
import type { Spelled } from './command-line.ts';
import { isMapping, type Mapping, mappingOf } from './values.ts';
import { descend, MAX_DEPTH, treeOf, type YamlFailure, type YamlNode } from './yaml-tree.ts';

/**
 * Words, marks and spaces of YAML; a prunegate.yml has some fifty for each model, a spec four for each layer that it names. The parser
 * takes up to two seconds over as many that are all brackets or commas, and a quarter of that over what people write.
 */
const MAX_TOKENS = 250_000;

/** A YAML (or JSON) file whose top level is a mapping. */
export interface YamlFile {
  /** As the user would write it, for messages and annotations. */
  readonly path: string;
  /** All of it, as it was read. */
  readonly text: string;
  /** The key that a value which stands there alone belongs to; null where none may. */
  readonly under: string | null;
  /** Frozen data; mappings have no prototype. */
  readonly value: Mapping;
  /** One-based line of the key itself; of the nearest existing ancestor for a missing key. */
  lineOf(path: KeyPath): number | null;
  /** A scalar as the file spells it (`off`, `1e-3`), without quotes; null for anything else. */
  sourceOf(path: KeyPath): string | null;
  /** A scalar with its quotes and line breaks, as the file has it; null for anything else. */
  spelledOf(path: KeyPath): Spelled | null;
  /** Reads a file that it names. */
  readonly read: ReadNamed;
}

/**
 * Parses YAML 1.2 (core schema), of which JSON is a part; the merge key `<<` is taken too.
 * @param read reads files that it names; none, where it is left out.
 * @throws InputError with file and line for syntax errors, duplicate keys, tags, excessive or recursive aliases, several documents, an empty
 *   file, or a top level that is not a mapping.
 */
export function parseYaml(text: string, path: string, read: ReadNamed = readNothing): YamlFile {
  return fileOf(text, path, read, null, (root) => root);
}

/**
 * The same for a file that may hold nothing but one value: a text or a list of texts at its top is that of `key`. A shell
 * script is such a text as it stands.
 */
export function parseYamlUnder(key: string, text: string, path: string, read: ReadNamed = readNothing): YamlFile {
  const parse: Parse = (plain, fail) => (plain.startsWith('#!') ? scriptNode(plain) : parseTree(plain, fail));
  return fileOf(text, path, read, key, (root) => (isMapping(root.value) ? root : asValueOf(key, root)), parse);
}

/** Text without any structure of YAML. */
function scriptNode(text: string): YamlNode {
  return { value: text, line: 1, source: text, children: new Map(), span: [0, text.length], size: 1 };
}

function asValueOf(key: string, node: YamlNode): YamlNode {
  const { line, size } = node;
  const value = Object.freeze(mappingOf([[key, node.value]]));
  return { value, line, source: null, children: new Map([[key, { keyLine: line, node }]]), span: null, size };
}

type Parse = typeof parseTree;

function fileOf(
  text: string,
  path: string,
  read: ReadNamed,
  under: string | null,
  rooted: (root: YamlNode) => YamlNode,
  parse: Parse = parseTree,
): YamlFile {
  const plain = text.replace(/^\ufeff/, '');
  const fail: YamlFailure = (problem, line, keyPath) =>
    inputErrorAt({ file: path, line, key: formatPath(keyPath) }, problem);
  const parsedRoot = parse(plain, fail);
  if (parsedRoot === null || parsedRoot.source === '') throw new InputError('is empty', { file: path });
  const root = rooted(parsedRoot);
  const { value } = root;
  if (!isMapping(value))
    throw inputErrorAt({ file: path, line: root.line, key: null }, 'must be a mapping of keys', value);
  return {
    path,
    text,
    under,
    value,
    lineOf: (keyPath) => descend(root, keyPath).at.keyLine,
    sourceOf: (keyPath) => {
      const { exact, at } = descend(root, keyPath);
      return exact ? at.node.source : null;
    },
    spelledOf: (keyPath) => {
      const { exact, at } = descend(root, keyPath);
      const { span, line } = at.node;
      return exact && span !== null ? { text: plain.slice(...span), line } : null;
    },
    read,
  };
}

const readNothing: ReadNamed = (_path, _limit, refuse) => {
  throw refuse('cannot be read here: files are not at hand');
};

/**
 * Parses one YAML value of any kind; null for a text without content.
 * @throws what `fail` makes.
 */
export function parseTree(text: string, fail: YamlFailure): YamlNode | null {
  const plain = text.replace(/^\ufeff/, '');
  refuseExcess(plain, fail);
  const lines = new LineCounter();
  const document = parsed(plain, lines, fail);
  const [error] = document.errors;
  if (error !== undefined && PROTOBUF.test(plain)) throw fail(IS_PROTOBUF, 1, []);
  if (error !== undefined) throw fail(syntaxProblem(error), lines.linePos(error.pos[0]).line || 1, []);
  return treeOf(document, lines, fail);
}

/** A message of protobuf's text format, which other specs of a training job are: `dataset_config {`. */
const PROTOBUF = /^[ \t]*\w+[ \t]*\{[ \t\r]*$/m;
const IS_PROTOBUF =
  'is protobuf text, which holds no pruning keys: write the flags of the prune command instead, as in {dialect: ..., network: ..., prune: "-pth 0.1 -eq union"}';

/** The parser takes ten seconds over a mebibyte of brackets or commas: count its tokens first, which is quick. */
function refuseExcess(text: string, fail: YamlFailure): void {
  if (isSmall(text)) return;
  let line = 1;
  let brackets = 0;
  let dashes = 0;
  let tokens = 0;
  for (const token of new Lexer().lex(text)) {
    if (token === '[' || token === '{') brackets += 1;
    else if (token === ']' || token === '}') brackets -= 1;
    else if (token === '-' || token === '?') dashes += 1;
    else if (token.includes('\n')) {
      line += token.split('\n').length - 1;
      dashes = 0;
    }
    tokens += 1;
    if (tokens > MAX_TOKENS)
      throw fail(`holds more than ${MAX_TOKENS} YAML tokens: no config or spec is that big`, line, []);
    if (brackets > MAX_DEPTH || dashes > MAX_DEPTH) throw fail(`is nested deeper than ${MAX_DEPTH} levels`, line, []);
  }
}

/** Whether a text has too few characters for too many tokens, which are about two for each, and too few brackets and dashes for deep nesting. */
function isSmall(text: string): boolean {
  return text.length * 3 < MAX_TOKENS && (text.match(/[[{?-]/g)?.length ?? 0) <= MAX_DEPTH;
}

function parsed(text: string, lineCounter: LineCounter, fail: YamlFailure) {
  try {
    return parseDocument(text, {
      version: '1.2',
      schema: 'core',
      resolveKnownTags: false,
      stringKeys: true,
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'error',
      lineCounter,
    });
  } catch (error) {
    // Nesting by indentation alone can still end the parser's stack.
    if (error instanceof RangeError) throw fail('is nested too deeply', 1, []);
    throw error;
  }
}

function syntaxProblem(error: YAMLError): string {
  switch (error.code) {
    case 'MULTIPLE_DOCS':
      return 'holds more than one YAML document (---): keep one';
    case 'TAG_RESOLVE_FAILED':
      return `has a tag (${error.message}): tags are not supported, write the plain value`;
    case 'RESOURCE_EXHAUSTION':
      return 'is nested too deeply';
    case 'NON_STRING_KEY':
      return 'has a key that is not plain text';
    default:
      return `is not valid YAML: ${error.message}`;
  }
}
