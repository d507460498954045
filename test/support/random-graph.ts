import { int64, op, zeros } from './onnx-builder.ts';

/**
 * A tensor whose elements are the channels that they came from: `a0` for filter 0 of layer a, `-` for a graph input's,
 * several where an element-wise operator merged them, `?` where a reduction left none of them. Every operator is interpreted element by element, with no notion of
 * a channel axis, so that nothing is shared with src/network but the definition of ONNX.
 */
export interface Origins {
  readonly name: string;
  readonly dims: readonly number[];
  readonly data: readonly string[];
}

export const size = (dims: readonly number[]): number => dims.reduce((n, d) => n * d, 1);

/** The coordinates of each element, row-major. */
export function coordinates(dims: readonly number[]): number[][] {
  return Array.from({ length: size(dims) }, (_, n) => {
    const at: number[] = [];
    let rest = n;
    for (let k = dims.length - 1; k >= 0; k--) {
      at.unshift(rest % dims[k]!);
      rest = Math.floor(rest / dims[k]!);
    }
    return at;
  });
}

function element(tensor: Origins, at: readonly number[]): string {
  const n = at.reduce((sum, index, k) => sum * tensor.dims[k]! + index, 0);
  const value = tensor.data[n];
  if (value === undefined) throw new Error('out of range');
  return value;
}

/** A tensor made by asking where each element comes from. */
function make(name: string, dims: readonly number[], from: (at: readonly number[]) => string): Origins {
  return { name, dims, data: coordinates(dims).map(from) };
}

const merge = (values: readonly string[]): string =>
  [...new Set(values.flatMap((value) => value.split('+')))].sort().join('+');

/** A mean over several channels belongs to none of them. */
const reduced = (values: readonly string[]): string => (new Set(values).size > 1 ? '?' : values[0]!);

type Node = ReturnType<typeof op>;
type Weights = Record<string, ReturnType<typeof zeros>>;

/** The graph while it grows; every choice is made from a stream of random numbers, so that fast-check can shrink it. */
interface Growth {
  readonly nodes: Node[];
  readonly weights: Weights;
  readonly tensors: Origins[];
  readonly symbolicBatch: boolean;
  next(limit: number): number;
}

type Grow = (g: Growth, x: Origins, name: string) => Origins | null;

const constant = (g: Growth, name: string, values: readonly number[]): string => {
  g.weights[name] = int64(values);
  return name;
};

const steps: Readonly<Record<string, Grow>> = {
  relu(g, x, name) {
    g.nodes.push(op('Relu', x.name, name));
    return { ...x, name };
  },
  transpose(g, x, name) {
    const perm = x.dims.map((_, k) => k);
    // With a symbolic batch the first axis stays, as exporters keep it.
    for (let k = perm.length - 1; k > (g.symbolicBatch ? 1 : 0); k--) {
      const j = (g.symbolicBatch ? 1 : 0) + g.next(k + 1 - (g.symbolicBatch ? 1 : 0));
      [perm[k], perm[j]] = [perm[j]!, perm[k]!];
    }
    g.nodes.push(op('Transpose', x.name, name, { perm }));
    return make(
      name,
      perm.map((axis) => x.dims[axis]!),
      (at) =>
        element(
          x,
          x.dims.map((_, axis) => at[perm.indexOf(axis)]!),
        ),
    );
  },
  reshape(g, x, name) {
    const keep = g.symbolicBatch || g.next(2) === 0 ? 1 : 0;
    const dims = [...x.dims.slice(0, keep), ...factors(g, size(x.dims.slice(keep)))];
    const written = [...dims];
    if (keep === 1) written[0] = g.next(2) === 0 ? 0 : g.symbolicBatch ? -1 : written[0]!;
    if (written[0] !== -1 && g.next(3) === 0) written[keep + g.next(written.length - keep)] = -1;
    g.nodes.push(op('Reshape', [x.name, constant(g, `${name}_to`, written)], name));
    return { name, dims, data: x.data };
  },
  flatten(g, x, name) {
    const axis = g.symbolicBatch ? 1 : g.next(x.dims.length + 1);
    g.nodes.push(op('Flatten', x.name, name, { axis }));
    return { name, dims: [size(x.dims.slice(0, axis)), size(x.dims.slice(axis))], data: x.data };
  },
  concat(g, x, name) {
    const axis = (g.symbolicBatch ? 1 : 0) + g.next(x.dims.length - (g.symbolicBatch ? 1 : 0));
    const fits = g.tensors.filter(
      (y) => y.dims.length === x.dims.length && y.dims.every((d, k) => k === axis || d === x.dims[k]),
    );
    const others = Array.from({ length: 1 + g.next(2) }, () => fits[g.next(fits.length)]!);
    const parts = g.next(2) === 0 ? [x, ...others] : [...others, x];
    g.nodes.push(
      op(
        'Concat',
        parts.map((part) => part.name),
        name,
        { axis: g.next(2) === 0 ? axis : axis - x.dims.length },
      ),
    );
    const dims = x.dims.map((d, k) => (k === axis ? parts.reduce((n, part) => n + part.dims[axis]!, 0) : d));
    return make(name, dims, (at) => {
      let index = at[axis]!;
      for (const part of parts) {
        if (index < part.dims[axis]!) return element(part, at.with(axis, index));
        index -= part.dims[axis]!;
      }
      throw new Error('out of range');
    });
  },
  slice(g, x, name) {
    const axis = (g.symbolicBatch ? 1 : 0) + g.next(x.dims.length - (g.symbolicBatch ? 1 : 0));
    const extent = x.dims[axis]!;
    const step = [1, 2, -1, -2][g.next(4)]!;
    const [start, end] = [g.next(2 * extent + 3) - extent - 1, g.next(2 * extent + 3) - extent - 1];
    const picked = pythonSlice(extent, start, end, step);
    if (picked.length === 0) return null;
    const inputs = [
      constant(g, `${name}_s`, [start]),
      constant(g, `${name}_e`, [end]),
      constant(g, `${name}_a`, [axis]),
      constant(g, `${name}_t`, [step]),
    ];
    g.nodes.push(op('Slice', [x.name, ...inputs], name));
    return make(name, x.dims.with(axis, picked.length), (at) => element(x, at.with(axis, picked[at[axis]!]!)));
  },
  gather(g, x, name) {
    const axis = (g.symbolicBatch ? 1 : 0) + g.next(x.dims.length - (g.symbolicBatch ? 1 : 0));
    const extent = x.dims[axis]!;
    const picked = Array.from({ length: 1 + g.next(extent + 1) }, () => g.next(2 * extent) - extent);
    g.nodes.push(op('Gather', [x.name, constant(g, `${name}_i`, picked)], name, { axis }));
    return make(name, x.dims.with(axis, picked.length), (at) => {
      const index = picked[at[axis]!]!;
      return element(x, at.with(axis, index < 0 ? index + extent : index));
    });
  },
  take(g, x, name) {
    const axis = (g.symbolicBatch ? 1 : 0) + g.next(x.dims.length - (g.symbolicBatch ? 1 : 0));
    if (x.dims.length < 3) return null;
    const index = g.next(x.dims[axis]!);
    g.weights[`${name}_i`] = int64(index);
    g.nodes.push(op('Gather', [x.name, `${name}_i`], name, { axis }));
    return make(name, x.dims.toSpliced(axis, 1), (at) => element(x, at.toSpliced(axis, 0, index)));
  },
  split(g, x, name) {
    const axis = (g.symbolicBatch ? 1 : 0) + g.next(x.dims.length - (g.symbolicBatch ? 1 : 0));
    const extent = x.dims[axis]!;
    if (extent < 2) return null;
    const first = 1 + g.next(extent - 1);
    g.nodes.push(
      op('Split', [x.name, constant(g, `${name}_n`, [first, extent - first])], `${name}_0 ${name}`, { axis }),
    );
    return make(name, x.dims.with(axis, extent - first), (at) => element(x, at.with(axis, at[axis]! + first)));
  },
  unsqueeze(g, x, name) {
    if (x.dims.length > 5) return null;
    const axis = (g.symbolicBatch ? 1 : 0) + g.next(x.dims.length + 1 - (g.symbolicBatch ? 1 : 0));
    g.nodes.push(op('Unsqueeze', [x.name, constant(g, `${name}_a`, [axis])], name));
    return { name, dims: x.dims.toSpliced(axis, 0, 1), data: x.data };
  },
  squeeze(g, x, name) {
    const axis = x.dims.findIndex((d, k) => d === 1 && (k > 0 || !g.symbolicBatch));
    if (axis < 0 || x.dims.length < 3) return null;
    g.nodes.push(op('Squeeze', [x.name, constant(g, `${name}_a`, [axis - x.dims.length])], name));
    return { name, dims: x.dims.toSpliced(axis, 1), data: x.data };
  },
  pad(g, x, name) {
    // Edges are repeated, so that each position still carries a channel.
    const begin = x.dims.map((_, k) => (k === 0 ? 0 : g.next(2)));
    const end = x.dims.map((_, k) => (k === 0 ? 0 : g.next(2)));
    g.nodes.push(op('Pad', [x.name, constant(g, `${name}_p`, [...begin, ...end])], name, { mode: 'edge' }));
    const clamp = (index: number, axis: number): number =>
      Math.min(Math.max(index - begin[axis]!, 0), x.dims[axis]! - 1);
    return make(
      name,
      x.dims.map((d, k) => d + begin[k]! + end[k]!),
      (at) => element(x, at.map(clamp)),
    );
  },
  add(g, x, name) {
    const fits = g.tensors.filter((y) => broadcast(x.dims, y.dims) !== null);
    const y = fits[g.next(fits.length)]!;
    const dims = broadcast(x.dims, y.dims)!;
    if (g.symbolicBatch && x.dims.length !== y.dims.length) return null;
    g.nodes.push(op(['Add', 'Mul', 'Max'][g.next(3)]!, g.next(2) === 0 ? [x.name, y.name] : [y.name, x.name], name));
    const of = (tensor: Origins, at: readonly number[]): string =>
      element(
        tensor,
        tensor.dims.map((d, k) => (d === 1 ? 0 : at[at.length - tensor.dims.length + k]!)),
      );
    // One channel broadcast over several says nothing of them, as an attention gate's.
    const [isGateX, isGateY] = [new Set(x.data).size === 1, new Set(y.data).size === 1];
    return make(name, dims, (at) => {
      if (isGateX !== isGateY) return of(isGateX ? y : x, at);
      return merge([of(x, at), of(y, at)]);
    });
  },
  pool(g, x, name) {
    if (x.dims.length !== 4 || x.dims[2]! < 2) return null;
    g.nodes.push(op('MaxPool', x.name, name, { kernel_shape: [2, 1] }));
    return make(name, x.dims.with(2, x.dims[2]! - 1), (at) =>
      merge([element(x, at), element(x, at.with(2, at[2]! + 1))]),
    );
  },
  mean(g, x, name) {
    if (x.dims.length < 3) return null;
    const axis = 1 + g.next(x.dims.length - 1);
    const keepdims = g.next(2);
    g.nodes.push(op('ReduceMean', x.name, name, { axes: [axis], keepdims }));
    const column = (at: readonly number[]): string =>
      reduced(Array.from({ length: x.dims[axis]! }, (_, k) => element(x, at.toSpliced(axis, keepdims, k))));
    return make(name, keepdims === 1 ? x.dims.with(axis, 1) : x.dims.toSpliced(axis, 1), column);
  },
};

function broadcast(a: readonly number[], b: readonly number[]): number[] | null {
  const rank = Math.max(a.length, b.length);
  const dims: number[] = [];
  for (let k = 0; k < rank; k++) {
    const [p, q] = [a[a.length - rank + k] ?? 1, b[b.length - rank + k] ?? 1];
    if (p !== q && p !== 1 && q !== 1) return null;
    dims.push(Math.max(p, q));
  }
  return dims;
}

/** What Python's `range(extent)[start:end:step]` gives. */
function pythonSlice(extent: number, start: number, end: number, step: number): number[] {
  const all = Array.from({ length: extent }, (_, k) => k);
  const low = (at: number): number =>
    at < 0 ? Math.max(at + extent, step < 0 ? -1 : 0) : Math.min(at, step < 0 ? extent - 1 : extent);
  // ONNX clamps a start before the first element to it where Python has nothing (ai.onnx Slice-13).
  const from = step < 0 ? Math.max(low(start), 0) : low(start);
  const picked: number[] = [];
  for (let at = from; step > 0 ? at < low(end) : at > low(end); at += step)
    if (all[at] !== undefined) picked.push(all[at]!);
  return picked;
}

/** A random way to write a number as a product of up to four factors, ones among them. */
function factors(g: Growth, n: number): number[] {
  const dims: number[] = [];
  let rest = n;
  for (let k = 0; k < 3; k++) {
    const divisors = Array.from({ length: rest }, (_, d) => d + 1).filter((d) => rest % d === 0);
    const d = divisors[g.next(divisors.length)]!;
    if (g.next(2) === 0) {
      dims.push(d);
      rest /= d;
    }
  }
  return [...dims, rest];
}

/** Two convolutions and a graph input, then random operators, then a dense layer or a convolution that reads the result. */
export function grow(choices: readonly number[], symbolicBatch: boolean) {
  let used = 0;
  const next = (limit: number): number => (limit <= 1 ? 0 : (choices[used++ % choices.length] ?? 0) % limit);
  const batch = symbolicBatch ? 2 : 1 + next(2);
  const [filters, other, height, width] = [1 + next(6), 1 + next(6), 1 + next(3), 1 + next(3)];
  const dims = [batch, 3, height, width];
  const nodes: Node[] = [
    op('Conv', ['x', 'aw'], 'a', { name: 'm/a/Conv2D' }),
    op('Conv', ['x', 'bw'], 'b', { name: 'm/b/Conv2D' }),
  ];
  const weights: Weights = { aw: zeros([filters, 3, 1, 1]), bw: zeros([other, 3, 1, 1]) };
  const tensors: Origins[] = [
    make('a', [batch, filters, height, width], (at) => `a${at[1]}`),
    make('b', [batch, other, height, width], (at) => `b${at[1]}`),
    make('x', dims, () => '-'),
  ];
  const g: Growth = { nodes, weights, tensors, symbolicBatch, next };
  const kinds = Object.keys(steps);
  let x = tensors[next(2)]!;
  const applied: string[] = [];
  for (let k = 0; k < 6; k++) {
    const kind = kinds[next(kinds.length)]!;
    const y = steps[kind]!(g, x, `t${k}`);
    if (y === null || size(y.dims) > 4000) {
      if (y !== null) g.nodes.pop();
      continue;
    }
    applied.push(kind);
    tensors.push(y);
    x = next(5) === 0 ? tensors[next(tensors.length)]! : y;
  }
  const asConv = x.dims.length === 4 && next(2) === 0;
  const axis = asConv ? 1 : x.dims.length - 1;
  const extent = x.dims[axis]!;
  const at = coordinates(x.dims);
  const truth = Array.from({ length: extent }, (_, k) => merge(x.data.filter((_, n) => at[n]![axis] === k)));
  weights['ow'] = zeros(asConv ? [2, extent, 1, 1] : [extent, 2]);
  nodes.push(op(asConv ? 'Conv' : 'MatMul', [x.name, 'ow'], 'y', { name: 'm/out/MatMul' }));
  return {
    graph: { inputs: { x: [symbolicBatch ? 'N' : batch, 3, height, width] }, weights, nodes, outputs: ['y'] },
    applied,
    truth,
    positions: size(x.dims.filter((_, k) => k !== axis && (k !== 0 || axis === 0))),
    axis,
  };
}
export type Grown = ReturnType<typeof grow>;
