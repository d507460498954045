import { bufferFor } from '../bytes/index.ts';
import type { DType, Tensor } from '../onnx/index.ts';
import { countOf } from './numbers.ts';
import { rowMajorStrides } from './strided.ts';
import { type TensorView, viewOf } from './tensor-view.ts';

/** A run of elements of a stored tensor. */
interface Run {
  readonly tensor: Tensor;
  readonly first: number;
  readonly count: number;
}

/** Runs of one assembled tensor: gates of a recurrent layer are four for each direction (CWE-400). */
const MAX_RUNS = 256;

/** What assembled tensors consist of, so that one can be taken apart and assembled again. */
const RUNS = new WeakMap<Tensor, readonly Run[]>();

/**
 * Stored tensors that are too large to be computed with, taken apart and put together along their first axis, as exporters order
 * the gates of a recurrent layer: a tensor like a stored one, whose elements are read when they are asked for.
 * @returns null where elements do not lie one behind another, or some would be there twice: a few bytes could ask for any size
 */
export function joinedRows(name: string, views: readonly TensorView[]): TensorView | null {
  const [first] = views;
  const runs = views.map(runsOf);
  if (first === undefined || runs.includes(null)) return null;
  const isAlike = views.every(
    ({ tensor, dims }) =>
      tensor.dtype === first.tensor.dtype && dims.length > 0 && String(dims.slice(1)) === String(first.dims.slice(1)),
  );
  const rows = views.reduce((n, { dims }) => n + (dims[0] ?? 0), 0);
  return isAlike ? assembled(name, first.tensor.dtype, [rows, ...first.dims.slice(1)], runs.flat() as Run[]) : null;
}

/** Rows `from .. from + count` of a view, as `joinedRows` has them. */
export function someRows(name: string, view: TensorView, from: number, count: number): TensorView | null {
  const runs = runsOf(view);
  if (runs === null || view.dims.length === 0) return null;
  const row = countOf(view.dims.slice(1));
  let [skip, left] = [from * row, count * row];
  const taken: Run[] = [];
  for (const run of runs) {
    const start = Math.min(skip, run.count);
    const length = Math.min(left, run.count - start);
    skip -= start;
    left -= length;
    if (length > 0) taken.push({ tensor: run.tensor, first: run.first + start, count: length });
  }
  return assembled(name, view.tensor.dtype, [count, ...view.dims.slice(1)], taken);
}

function runsOf({ tensor, dims, strides }: TensorView): readonly Run[] | null {
  const plain = rowMajorStrides(dims);
  const isWhole = countOf(dims) === tensor.elements && dims.every((size, k) => size === 1 || strides[k] === plain[k]);
  return isWhole ? (RUNS.get(tensor) ?? [{ tensor, first: 0, count: tensor.elements }]) : null;
}

function assembled(name: string, dtype: DType, dims: readonly number[], runs: readonly Run[]): TensorView | null {
  const elements = countOf(dims);
  const stored = [...new Set(runs.map((run) => run.tensor))].reduce((n, tensor) => n + tensor.elements, 0);
  if (runs.length > MAX_RUNS || elements > stored || elements === 0) return null;
  const tensor: Tensor = {
    ...{ name, dtype, dims, elements, part: null },
    read(reuse) {
      let bytes: Uint8Array | null = null;
      let [offset, last] = [0, null as { readonly tensor: Tensor; readonly bytes: Uint8Array } | null];
      for (const run of runs) {
        if (last?.tensor !== run.tensor) last = { tensor: run.tensor, bytes: run.tensor.read().bytes };
        const width = last.bytes.length / run.tensor.elements;
        bytes ??= bufferFor(elements * width, name, `tensor ${name}`, reuse);
        bytes.set(last.bytes.subarray(run.first * width, (run.first + run.count) * width), offset);
        offset += run.count * width;
      }
      return { dtype, dims, bytes: bytes! };
    },
  };
  RUNS.set(tensor, runs);
  return viewOf(tensor);
}
