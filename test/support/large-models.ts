import { float32, type Graph, graphOf, op, zeros } from './onnx-builder.ts';

/** Graphs that grow in one way each, for finding out what that costs. */

type Nodes = Graph['nodes'][number][];

/** Weights that are no zeros and no two alike. */
function weight(filters: number, inputs: number, seed = 1) {
  return cut(allOf(filters), allOf(inputs), seed, inputs);
}

/** The rows and columns of such weights that are left. */
function cut(rows: readonly number[], columns: readonly number[], seed: number, inputs: number) {
  const values = Float32Array.from(
    rows.flatMap((row) => columns.map((column) => Math.sin(seed + 1.7 * (row * inputs + column)))),
  );
  return { ...zeros([rows.length, columns.length, 1, 1]), rawData: new Uint8Array(values.buffer) };
}

const allOf = (count: number): readonly number[] => Array.from({ length: count }, (_, k) => k);

const conv = (name: string, input: string, output: string) =>
  op('Conv', [input, `${name}.w`], output, { name: `net/${name}/Conv2D` });

const INPUTS = { x: [1, 4, 4, 4] } as const;
const FILTERS = 4;

/** A layer behind whose output nodes stand, and a layer behind them. */
function between(nodes: (from: string, to: string) => Nodes, weights: Graph['weights'] = {}): Graph {
  return {
    inputs: INPUTS,
    weights: { 'a.w': weight(FILTERS, 4), 'z.w': weight(FILTERS, FILTERS, 9), ...weights },
    nodes: [conv('a', 'x', 'a'), ...nodes('a', 'end'), conv('z', 'end', 'y')],
    outputs: ['y'],
  };
}

/** So many nodes one behind the other, each made of the name of what it reads and of what it writes. */
const row =
  (count: number, node: (from: string, to: string, k: number) => Nodes[number]) =>
  (from: string, to: string): Nodes =>
    Array.from({ length: count }, (_, k) => node(k === 0 ? from : `t${k}`, k === count - 1 ? to : `t${k + 1}`, k));

/** @param kept the filters that a layer is left; all where it is not given */
function layersInARow(count: number, kept: (layer: number) => readonly number[] = () => allOf(FILTERS)): Graph {
  const weights: Record<string, NonNullable<Graph['weights']>[string]> = {};
  const nodes: Nodes = [];
  for (let k = 0; k < count; k++) {
    weights[`c${k}.w`] = cut(kept(k), k === 0 ? allOf(4) : kept(k - 1), k, 4);
    nodes.push(conv(`c${k}`, k === 0 ? 'x' : `t${k}`, k === count - 1 ? 'y' : `t${k + 1}`));
  }
  return { inputs: INPUTS, weights, nodes, outputs: ['y'] };
}

/** The same where BatchNorm may be folded in: each has a bias, and an activation behind it. */
function layersWithBias(count: number): Graph {
  const weights: Record<string, NonNullable<Graph['weights']>[string]> = {};
  const nodes: Nodes = [];
  for (let k = 0; k < count; k++) {
    weights[`c${k}.w`] = weight(FILTERS, 4, k);
    weights[`c${k}.b`] = { ...weight(FILTERS, 1, k + 0.5), dims: [BigInt(FILTERS)] };
    const name = `net/c${k}/Conv2D`;
    nodes.push(op('Conv', [k === 0 ? 'x' : `t${k}`, `c${k}.w`, `c${k}.b`], `c${k}`, { name }));
    nodes.push(op('Relu', `c${k}`, k === count - 1 ? 'y' : `t${k + 1}`, { name: `net/relu${k}/Relu` }));
  }
  return { inputs: INPUTS, weights, nodes, outputs: ['y'] };
}

/** Layers that all read the input, put together by nodes one behind the other. */
function layersTogether(count: number, layers: number, opType: 'Add' | 'Concat'): Graph {
  const weights: Record<string, NonNullable<Graph['weights']>[string]> = {};
  const nodes: Nodes = [];
  for (let k = 0; k < layers; k++) {
    weights[`c${k}.w`] = weight(FILTERS, 4, k);
    nodes.push(conv(`c${k}`, 'x', `c${k}`));
  }
  const axis = opType === 'Concat' ? { axis: 2 } : {};
  nodes.push(...row(count, (from, to, k) => op(opType, [from, `c${k % layers}`], to, axis))('c0', 'y'));
  return { inputs: INPUTS, weights, nodes, outputs: ['y'] };
}

function readersOfOne(count: number): Graph {
  const weights: Record<string, NonNullable<Graph['weights']>[string]> = { 'a.w': weight(FILTERS, 4) };
  const nodes: Nodes = [conv('a', 'x', 'a')];
  const outputs: string[] = [];
  for (let k = 0; k < count; k++) {
    weights[`c${k}.w`] = weight(FILTERS, FILTERS, k);
    nodes.push(conv(`c${k}`, 'a', `y${k}`));
    outputs.push(`y${k}`);
  }
  return { inputs: INPUTS, weights, nodes, outputs };
}

function oneLayer(filters: number, value: (k: number) => number): Graph {
  const values = Float32Array.from({ length: filters * 4 }, (_, k) => value(k));
  return {
    inputs: INPUTS,
    weights: {
      'a.w': { ...zeros([filters, 4, 1, 1]), rawData: new Uint8Array(values.buffer) },
      'a.b': float32(Array.from({ length: filters }, (_, k) => value(4 * k))),
    },
    nodes: [op('Conv', ['x', 'a.w', 'a.b'], 'y', { name: 'net/a/Conv2D' })],
    outputs: ['y'],
  };
}

function inputsOfOne(count: number): Graph {
  const names = Array.from({ length: count }, (_, k) => `s${k}`);
  return between((from, to) => [
    ...names.map((name) => op('Relu', from, name)),
    op('Concat', names, 'joined', { axis: 2 }),
    op('Relu', 'joined', to),
  ]);
}

function normalizedLayers(count: number): Graph {
  const weights: Record<string, NonNullable<Graph['weights']>[string]> = {};
  const nodes: Nodes = [];
  let from = 'x';
  for (let k = 0; k < count; k++) {
    weights[`c${k}.w`] = weight(FILTERS, 4, k);
    for (const [n, part] of ['g', 'b', 'm', 'v'].entries())
      weights[`c${k}.${part}`] = float32([1, 2, 3, 4].map((v) => v + n + k / 7));
    nodes.push(conv(`c${k}`, from, `c${k}`));
    const inputs = [`c${k}`, ...['g', 'b', 'm', 'v'].map((part) => `c${k}.${part}`)];
    nodes.push(op('BatchNormalization', inputs, `n${k}`, { name: `net/bn${k}/FusedBatchNormV3` }));
    nodes.push(op('Add', [`n${k}`, from], `r${k}`, { name: `net/add${k}/add` }));
    from = `r${k}`;
  }
  return { inputs: INPUTS, weights, nodes, outputs: [from] };
}

/** By what grows. */
export const FAMILIES: Readonly<Record<string, (count: number) => Graph>> = {
  'layers in a row': layersInARow,
  'layers with a bias in a row': layersWithBias,
  'layers with normalization and residuals': normalizedLayers,
  'layers that read one tensor, each an output': readersOfOne,
  'layers added together': (count) => layersTogether(count, count, 'Add'),
  'layers concatenated': (count) => layersTogether(count, count, 'Concat'),
  'additions of one tensor in a row': (count) => between(row(count, (from, to) => op('Add', [from, 'a'], to))),
  'additions of 200 layers in a row': (count) => layersTogether(count, 200, 'Add'),
  'activations in a row': (count) => between(row(count, (from, to) => op('Relu', from, to))),
  'concatenations of one in a row': (count) => between(row(count, (from, to) => op('Concat', [from], to, { axis: 1 }))),
  'transpositions in a row': (count) =>
    between(row(count, (from, to) => op('Transpose', from, to, { perm: [0, 1, 3, 2] }))),
  'products with a vector in a row': (count) =>
    between(
      row(count, (from, to) => op('Mul', [from, 'v'], to)),
      { v: { ...float32([1, 2, 3, 4]), dims: [4n, 1n, 1n] } },
    ),
  'softmaxes in a row': (count) => between(row(count, (from, to) => op('Softmax', from, to, { axis: 1 }))),
  'unknown operators in a row': (count) => between(row(count, (from, to) => op('Strange', from, to))),
  'graphs inside one node': (count) =>
    between((from, to) => {
      const inner = graphOf({ inputs: {}, nodes: [op('Neg', 'a', 'b')], outputs: ['b'] });
      return [op('Strange', from, to, Object.fromEntries(Array.from({ length: count }, (_, k) => [`g${k}`, inner])))];
    }),
  'readers of one tensor that meet again': inputsOfOne,
  'filters of one layer': (count) => oneLayer(count, (k) => Math.sin(1.7 * k)),
  'equal filters of one layer': (count) => oneLayer(count, () => 1),
  'filters of few kinds': (count) => oneLayer(count, (k) => (k >> 2) % 3),
};

/** Two of each layer's four filters, by lists that no rule has made, as layers have them that were cut by another's. */
const PAIRS = [
  [1, 3],
  [2, 3],
  [0, 3],
  [1, 2],
] as const;

/** Layers in a row that were cut: each keeps another two. */
export function layersCut(count: number): Graph {
  return layersInARow(count, (layer) => PAIRS[((layer * layer) % 7) % PAIRS.length]!);
}
