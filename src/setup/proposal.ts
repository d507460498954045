import type { Seen, SeenModel } from './look.ts';

/** A model that prunegate.yml shall check; paths relative to the folder. */
export interface ProposedModel {
  readonly name: string;
  readonly dense: string;
  readonly pruned: string;
  readonly spec: string;
}

/** What the user said, by flags or in answer to a question; undefined is open. */
export interface Answers {
  readonly dense?: string | undefined;
  readonly pruned?: string | undefined;
  readonly spec?: string | undefined;
}

/** Something that cannot be seen: which setting says it, and what could be meant. */
export interface Question {
  readonly key: keyof Answers;
  readonly text: string;
  readonly choices: readonly string[];
}

/** Words of a name that say which of two models it is. */
const ROLE = /(?:^|[._-])(?:un)?(?:pruned|dense|original|base|baseline|trained|raw|full|before|after)(?=[._-]|$)/gi;
const IS_PRUNED = /(?:^|[._/-])(?:pruned|after)(?:[._-]|$)/i;
const IS_DENSE = /(?:^|[._/-])(?:dense|unpruned|original|base|baseline|trained|raw|full|before)(?:[._-]|$)/i;
/** `dense-folded` is a third export, which prunegate makes itself where it needs it. */
const IS_FOLDED = /folded/i;

/** The models to check, or the first thing that cannot be seen. */
export function propose(seen: Seen, answers: Answers): readonly ProposedModel[] | Question {
  const { dense, pruned } = answers;
  const pairs =
    dense !== undefined && pruned !== undefined ? [{ dense, pruned, stem: stemOf(dense) }] : pairsOf(seen, answers);
  if ('key' in pairs) return pairs;
  const names = pairs.map(({ stem }) => stem);
  const models: ProposedModel[] = [];
  for (const [i, pair] of pairs.entries()) {
    const spec = answers.spec ?? specFor(pair.dense, seen);
    if (spec === null) return unknownSpec(seen, pairs.length > 1 ? ` of ${pair.dense}` : '');
    models.push({ name: uniqueName(names, i), dense: pair.dense, pruned: pair.pruned, spec });
  }
  return models;
}

interface Pair {
  readonly dense: string;
  readonly pruned: string;
  readonly stem: string;
}

function pairsOf(seen: Seen, answers: Answers): readonly Pair[] | Question {
  const candidates = seen.models.filter(({ path }) => !IS_FOLDED.test(path));
  const others = candidates.filter(({ path }) => path !== answers.dense && path !== answers.pruned);
  const paths = others.map(({ path }) => path);
  if (answers.dense !== undefined)
    return single('pruned', 'Which file is the pruned model?', paths, (pruned) => ({ dense: answers.dense!, pruned }));
  if (answers.pruned !== undefined)
    return single('dense', 'Which file is the dense model?', paths, (dense) => ({ dense, pruned: answers.pruned! }));
  const stems = [...new Set(candidates.map(({ path }) => stemOf(path, true)))];
  const groups = stems.map((stem) => candidates.filter(({ path }) => stemOf(path, true) === stem));
  const pairs = groups.flatMap((group) => pairIn(group) ?? []);
  if (pairs.length > 0 && pairs.length === groups.length) return pairs;
  const only = pairIn(candidates);
  if (only !== null) return [only];
  return { key: 'dense', text: 'Which file is the dense model, before pruning?', choices: paths };
}

function single(
  key: 'dense' | 'pruned',
  text: string,
  paths: readonly string[],
  pair: (path: string) => Omit<Pair, 'stem'>,
): readonly Pair[] | Question {
  const [path, another] = paths;
  if (path === undefined || another !== undefined) return { key, text, choices: paths };
  const one = pair(path);
  return [{ ...one, stem: stemOf(one.dense) }];
}

/** Two models, of which names or else sizes say which is the pruned one. */
function pairIn(models: readonly SeenModel[]): Pair | null {
  const [a, b, c] = models;
  if (a === undefined || b === undefined || c !== undefined) return null;
  const named = models.filter(({ path }) => IS_PRUNED.test(path) && !IS_DENSE.test(path));
  const pruned = named.length === 1 ? named[0]! : a.parameters < b.parameters ? a : b;
  const dense = pruned === a ? b : a;
  if (dense.parameters < pruned.parameters || (named.length !== 1 && a.parameters === b.parameters)) return null;
  return { dense: dense.path, pruned: pruned.path, stem: stemOf(dense.path) };
}

/** The nearest spec: in the model's folder or one above it, else the only one. */
function specFor(dense: string, { specs }: Seen): string | null {
  const folders = dense.split('/').slice(0, -1);
  for (let depth = folders.length; depth >= 0; depth--) {
    const folder = folders.slice(0, depth).join('/');
    const here = specs.filter(({ path }) => path.split('/').slice(0, -1).join('/') === folder);
    if (here.length === 1) return here[0]!.path;
    if (here.length > 1) return null;
  }
  return specs.length === 1 ? specs[0]!.path : null;
}

function unknownSpec({ specs }: Seen, whose: string): Question {
  return { key: 'spec', text: `Which file is the pruning spec${whose}?`, choices: specs.map(({ path }) => path) };
}

/** What a model is called: its file's name, or its folder's, without words that say which of two it is. */
function stemOf(path: string, isWhole = false): string {
  const parts = path.replace(/\.onnx$/i, '').split('/');
  const name = parts
    .at(-1)!
    .replace(ROLE, '')
    .replace(/^[._-]+/, '');
  if (isWhole) return [...parts.slice(0, -1), name].join('/');
  const plain = (name === '' ? (parts.at(-2) ?? 'model') : name).replace(/[^A-Za-z0-9._-]+/g, '-');
  return plain.replace(/^[^A-Za-z0-9]+/, '').slice(0, 100) || 'model';
}

function uniqueName(names: readonly string[], index: number): string {
  const name = names[index]!;
  const isTwin = (other: string): boolean => other.toLowerCase() === name.toLowerCase();
  const before = names.slice(0, index).filter(isTwin).length;
  return before === 0 ? name : `${name.slice(0, 95)}-${before + 1}`;
}
