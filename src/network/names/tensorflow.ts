import type { OnnxNode } from '../../onnx/index.ts';
import type { SourceName, SourceNames } from './source-name.ts';

/**
 * Layer names from ONNX names. tf2onnx writes `StatefulPartitionedCall/<model>/<layer>/<op>`; the prefix, the model and
 * the last segment are not part of the Keras layer's name. Names that end in `__<counter>` were made up by the exporter
 * (tf2onnx `utils.make_name`), borrow a neighbour's name and mean nothing.
 */
export const MADE_UP = /__\d+$/;
/** What onnxruntime's optimizer adds to the name of the node whose operator it replaces (core/optimizer/matmul_add_fusion.cc). */
const FUSION = /\/MatMulAddFusion\/?$/;
const CALL_SEGMENT = /^(Stateful)?PartitionedCall(_\d+)?$/;
/** Operators inside a Keras layer that tf2onnx names with more than one segment. */
const INNER_SCOPES = new Set([
  'batchnorm',
  'Tensordot',
  'resize',
  'moments',
  'strided_slice',
  'Reshape',
  'separable_conv2d',
  'clip_by_value',
  'Gelu',
]);

/**
 * @param nodes all nodes of the graph, in order
 * @param hasWeight nodes with weights: they tell nested models from slashes inside layer names
 */
export function tensorflowNames(nodes: readonly OnnxNode[], hasWeight: (node: OnnxNode) => boolean): SourceNames {
  const paths = nodes.map((node) => segments(nodeName(node)));
  const model = commonFirstSegments(paths.filter((path): path is string[] => path !== null));
  const weighted = paths.filter((_, k) => hasWeight(nodes[k]!));
  const spans = spansOf(paths, model);
  let budget = MAX_CLOSURE_STEPS;
  const containers = nestedModels(weighted, model, (prefix) => {
    const span = spans.get(prefix);
    if (span === undefined) return true;
    budget -= span.last - span.first;
    return budget > 0 && isClosed(nodes, paths, prefix, span);
  });
  const parsed = new Map<string, SourceName | null>();
  const read = (name: string): SourceName | null => {
    const path = segments(name);
    if (path === null || path.length <= model) return null;
    let start = model;
    while (start < path.length - 2 && containers.has(path.slice(0, start + 1).join('/'))) start++;
    const opAt = opSegment(path, start);
    if (opAt <= start) return null;
    return { layer: path.slice(start, opAt).join('/'), op: path.slice(opAt).join('/') };
  };
  const parse = (name: string): SourceName | null => {
    const known = parsed.get(name);
    if (known !== undefined) return known;
    const fresh = read(name);
    parsed.set(name, fresh);
    return fresh;
  };
  const of = (node: OnnxNode): SourceName | null => parse(nodeName(node));
  return {
    of,
    parse,
    layoutOf(node) {
      const source = of(node);
      if (source === null) return null;
      if (node.opType === 'Transpose') return baseOp(source.op) === 'transpose' ? 'permute' : null;
      return /^(flatten|reshape)(_\d+)?$/.exec(source.layer)?.[1] === 'reshape' ? 'reshape' : null;
    },
    resolvesTargets: false,
    output: (tensor) => parse(tensor.replace(/:\d+$/, ''))?.layer ?? null,
  };
}

/** A node's name. tf2onnx calls the tensor after the node that makes it, so that a node that lost its name still has one. */
function nodeName({ name, outputs }: OnnxNode): string {
  return name === '' ? (/^(.+):\d+$/.exec(outputs[0] ?? '')?.[1] ?? '') : name;
}

/** Where the operator starts: the last segment, or the scope that a layer opens for a few operators. */
export function opSegment(path: readonly string[], start: number): number {
  const scope = path.findIndex(
    (part, k) => k > start && k < path.length - 1 && INNER_SCOPES.has(part.replace(/_\d+$/, '')),
  );
  return scope > start ? scope : path.length - 1;
}

function segments(name: string): string[] | null {
  if (MADE_UP.test(name) || !name.includes('/')) return null;
  const path = name
    .replace(FUSION, '')
    .split('/')
    .filter((part) => part !== '');
  let start = 0;
  while (start < path.length && CALL_SEGMENT.test(path[start]!)) start++;
  return path.length - start >= 2 ? path.slice(start) : null;
}

/** How many leading segments all paths share: the model's name (and that of a model that wraps it whole). */
function commonFirstSegments(paths: readonly string[][]): number {
  const first = paths[0];
  if (first === undefined) return 0;
  let shared = 0;
  while (paths.every((path) => path.length > shared + 2 && path[shared] === first[shared])) shared++;
  return shared;
}

/** A segment under which several layers with weights lie is a nested model; a slash in one layer's name holds only that one. */
function nestedModels(
  weighted: readonly (string[] | null)[],
  model: number,
  isClosedUnder: (prefix: string) => boolean,
): Set<string> {
  const layersUnder = new Map<string, Set<string>>();
  for (const path of weighted) {
    if (path === null) continue;
    for (let end = model + 1; end < path.length - 1; end++) {
      const prefix = path.slice(0, end).join('/');
      const inner = path.slice(end, -1).join('/');
      if (inner === '') continue;
      const layers = layersUnder.get(prefix) ?? new Set<string>();
      layers.add(inner);
      layersUnder.set(prefix, layers);
    }
  }
  const containers = new Set(
    [...layersUnder].filter(([prefix, layers]) => layers.size > 1 && isClosedUnder(prefix)).map(([prefix]) => prefix),
  );
  return collide(weighted, model, containers) ? new Set() : containers;
}

/** Nodes looked at to tell nested models, over all of them; beyond it (names made to be slow) a slash is part of a name. */
const MAX_CLOSURE_STEPS = 1_000_000;

/** Where the nodes under a prefix begin and end. */
interface Span {
  readonly first: number;
  readonly last: number;
}

function spansOf(paths: readonly (string[] | null)[], model: number): ReadonlyMap<string, Span> {
  const spans = new Map<string, Span>();
  for (const [k, path] of paths.entries()) {
    for (let end = model + 1; path !== null && end <= path.length - 2; end++) {
      const prefix = path.slice(0, end).join('/');
      spans.set(prefix, { first: spans.get(prefix)?.first ?? k, last: k });
    }
  }
  return spans;
}

/** A nested model is called as a whole: no path leaves it and comes back. */
function isClosed(
  nodes: readonly OnnxNode[],
  paths: readonly (string[] | null)[],
  prefix: string,
  { first, last }: Span,
): boolean {
  const depth = prefix.split('/').length;
  const reach = new Map<string, 'inside' | 'left'>();
  for (let k = first; k <= last; k++) {
    const node = nodes[k]!;
    const read = new Set(node.inputs.map((name) => reach.get(name)));
    const path = paths[k] ?? null;
    const isInside = path !== null && path.slice(0, depth).join('/') === prefix;
    if (isInside && read.has('left')) return false;
    // A node with a made-up name stands on neither side.
    const after = isInside
      ? 'inside'
      : read.has('left') || (read.has('inside') && path !== null)
        ? 'left'
        : read.has('inside')
          ? 'inside'
          : undefined;
    if (after !== undefined) for (const name of node.outputs) reach.set(name, after);
  }
  return true;
}

/** Whether layers of different nested models would end up with one name. */
function collide(weighted: readonly (string[] | null)[], model: number, containers: ReadonlySet<string>): boolean {
  const pathsOf = new Map<string, string>();
  return weighted.some((path) => {
    if (path === null) return false;
    let start = model;
    while (start < path.length - 2 && containers.has(path.slice(0, start + 1).join('/'))) start++;
    const [whole, short] = [path.slice(0, -1).join('/'), path.slice(start, -1).join('/')];
    const known = pathsOf.get(short) ?? whole;
    pathsOf.set(short, known);
    return known !== whole;
  });
}

/** `name` and `name_1`, `name_2` are calls of one operator: TensorFlow numbers repeated names in a scope. */
export function baseOp(op: string): string {
  return op.replace(/_\d+$/, '');
}
