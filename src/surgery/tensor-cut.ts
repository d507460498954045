import type { ReusableBuffer } from '../bytes/index.ts';
import type { TensorView } from '../network/index.ts';
import { bytesPerElement, type Tensor, type TensorContent } from '../onnx/index.ts';
import { allFilters } from '../prose/index.ts';

/** Which elements of a stored tensor stay. */
export interface TensorCut {
  readonly tensor: Tensor;
  /** Positions along each stored axis; null where all stay. */
  readonly axes: readonly (readonly number[] | null)[];
  /** Where the positions along one axis hang on those along another, as columns of a grouped convolution do on its rows. */
  readonly rows: GroupedRows | null;
}

export interface GroupedRows {
  readonly by: number;
  readonly of: number;
  /** Positions along `of`, for each position along `by`; as many for each. */
  readonly positions: readonly (readonly number[])[];
}

/** Elements of one piece that is written at a time, about 4 MiB of float32. */
const CHUNK_ELEMENTS = 2 ** 20;

/** A view of more elements than this is not looked through element by element. */
const MAX_LISTED_ELEMENTS = 2 ** 22;

/**
 * The cut of the stored tensor that a view of it needs.
 * @param positions along each axis of the view; null where all stay
 * @returns null where the view's axes are not the tensor's, and cannot be told apart
 */
export function cutThrough(view: TensorView, positions: readonly (readonly number[] | null)[]): TensorCut | null {
  const axes = new Array<readonly number[] | null>(view.tensor.dims.length).fill(null);
  for (const [axis, stay] of positions.entries()) {
    if (stay === null) continue;
    const stored = storedAxis(view, axis);
    if (stored === null) return cutByElements(view, positions);
    axes[stored] = stay;
  }
  return { tensor: view.tensor, axes, rows: null };
}

/** The stored axis that is an axis of the view; null where it is a part of one, or several. */
export function storedAxis({ tensor, dims, strides }: TensorView, axis: number): number | null {
  const found = tensor.dims.findIndex(
    (size, k) => size === dims[axis] && (size === 1 || strideOf(tensor.dims, k) === strides[axis]),
  );
  return found < 0 ? null : found;
}

function strideOf(dims: readonly number[], axis: number): number {
  return dims.slice(axis + 1).reduce((n, size) => n * size, 1);
}

/** Behind a Reshape one axis may be several: which elements stay tells which positions of the stored axes do. */
function cutByElements(view: TensorView, positions: readonly (readonly number[] | null)[]): TensorCut | null {
  const { tensor } = view;
  if (tensor.elements > MAX_LISTED_ELEMENTS) return null;
  const any = tensor.dims.map((size) => new Uint8Array(size));
  const strides = tensor.dims.map((_, k) => strideOf(tensor.dims, k));
  const stay = view.dims.map((size, axis) => positions[axis] ?? allFilters(size));
  let count = 0;
  const visit = (axis: number, offset: number): void => {
    if (axis < stay.length) {
      for (const at of stay[axis]!) visit(axis + 1, offset + at * view.strides[axis]!);
      return;
    }
    count++;
    for (let k = 0; k < any.length; k++) any[k]![Math.floor(offset / strides[k]!) % tensor.dims[k]!] = 1;
  };
  visit(0, 0);
  const axes = any.map((flags) => Array.from(flags.keys()).filter((at) => flags[at] === 1));
  if (axes.reduce((n, list) => n * list.length, 1) !== count) return null;
  return { tensor, axes: axes.map((list, k) => (list.length === tensor.dims[k] ? null : list)), rows: null };
}

/** Sizes of the stored tensor when it is cut. */
export function cutDims({ tensor, axes, rows }: TensorCut): number[] {
  return tensor.dims.map((size, axis) =>
    rows?.of === axis ? (rows.positions[0]?.length ?? 0) : (axes[axis]?.length ?? size),
  );
}

/** Sizes of a view of the tensor when that is cut; null where they cannot be determined. */
export function viewDims(view: TensorView, cut: TensorCut): number[] | null {
  const total = cutDims(cut).reduce((n, size) => n * size, 1);
  const sizes = view.dims.map((_, axis) => viewSize(view, axis, cut));
  const rest = sizes.reduce<number>((n, size) => n * (size ?? 1), 1);
  // One axis that is several stored ones takes what the others leave.
  const open = sizes.filter((size) => size === null).length;
  const dims = open === 1 ? sizes.map((size) => size ?? total / rest) : sizes.map((size) => size ?? 0);
  return open <= 1 && dims.every(Number.isInteger) && dims.reduce((n, size) => n * size, 1) === total ? dims : null;
}

/** How many positions of a view's axis stay; null for one that is several stored axes. */
function viewSize({ tensor, dims, strides }: TensorView, axis: number, cut: TensorCut): number | null {
  const [size, step] = [dims[axis]!, strides[axis]!];
  if (size === 1) return 1;
  for (const [k, extent] of tensor.dims.entries()) {
    const stride = strideOf(tensor.dims, k);
    if (step < stride || step * size > stride * extent) continue;
    if (cut.rows?.of === k) return size === extent ? cutDims(cut)[k]! : null;
    const stay = cut.axes[k];
    if (stay === null || stay === undefined) return size;
    return new Set(stay.map((at) => Math.floor((at * stride) / step) % size)).size;
  }
  return null;
}

export function isWhole({ axes, rows }: TensorCut): boolean {
  return rows === null && axes.every((positions) => positions === null);
}

/** The elements that stay, read when they are asked for. */
export function contentOf(buffer: ReusableBuffer, cut: TensorCut): TensorContent {
  return { dims: cutDims(cut), chunks: () => chunksOf(buffer, cut) };
}

/** A view of a tensor's bytes in units that are copied as they are: NaNs keep their bits. */
type Units = Uint32Array | Uint16Array | Uint8Array;

function unitsOf(bytes: Uint8Array, width: number): Units {
  if (width % 4 === 0) return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  return width === 2 ? new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2) : bytes;
}

function* chunksOf(buffer: ReusableBuffer, cut: TensorCut): Generator<Uint8Array> {
  const { tensor, axes, rows } = cut;
  const width = bytesPerElement(tensor.dtype);
  const dims = cutDims(cut);
  const total = dims.reduce((n, size) => n * size, 1);
  if (total === 0) return;
  const source = unitsOf(tensor.read(buffer).bytes, width);
  // Elements of 8 and 16 bytes are several units, as one more axis that always stays.
  const unit = width % 4 === 0 ? width / 4 : 1;
  const strides = tensor.dims.map((_, k) => strideOf(tensor.dims, k) * unit);
  // Axes behind the last one that is cut are copied in one piece.
  const cutAxes = tensor.dims.flatMap((_, k) => (axes[k] !== null || rows?.of === k || rows?.by === k ? [k] : []));
  const depth = Math.max(1, (cutAxes.at(-1) ?? 0) + 1);
  const block = strides[depth - 1] ?? unit;
  const at = (axis: number, k: number): number => axes[axis]?.[k] ?? k;
  const listOf = (axis: number): Int32Array =>
    Int32Array.from({ length: dims[axis]! }, (_, k) => at(axis, k) * strides[axis]!);
  const lists = tensor.dims.slice(0, depth).map((_, axis) => listOf(axis));
  const grouped = rows?.positions.map((list) => Int32Array.from(list, (k) => k * strides[rows.of]!)) ?? [];

  const perLead = total / Math.max(1, dims[0] ?? 1);
  const leads = Math.max(1, Math.floor(CHUNK_ELEMENTS / perLead));
  const lead = lists[0] ?? Int32Array.of(0);
  const out = unitsOf(new Uint8Array(Math.min(leads, lead.length) * perLead * width), width);
  for (let first = 0; first < lead.length; first += leads) {
    let n = 0;
    const visit = (axis: number, offset: number, row: Int32Array | null): void => {
      const list = axis === rows?.of ? row! : axis === 0 ? lead.subarray(first, first + leads) : lists[axis]!;
      const isLast = axis === depth - 1;
      for (let k = 0; k < list.length; k++) {
        const start = offset + list[k]!;
        if (!isLast) visit(axis + 1, start, axis === rows?.by ? grouped[axis === 0 ? first + k : k]! : row);
        else if (block === 1) out[n++] = source[start]!;
        else {
          out.set(source.subarray(start, start + block), n);
          n += block;
        }
      }
    };
    visit(0, 0, null);
    yield new Uint8Array(out.buffer, out.byteOffset, n * out.BYTES_PER_ELEMENT);
  }
}
