import type { NodeProto, TensorProto } from '../../onnx/onnx_pb.generated.js';
import { edits, type Kind } from '../kind.ts';
import { dimsOf, floatsOf, intOf, type Model, setFloats } from '../model.ts';

/** A stored kernel with its axes. */
export interface Kernel {
  readonly node: NodeProto;
  readonly tensor: TensorProto;
  readonly values: Float32Array;
  readonly out: number;
  readonly columns: number;
  /** Kernel positions; 1 for a dense layer. */
  readonly size: number;
  at(row: number, column: number, position: number): number;
}

export function kernelsOf(model: Model): Kernel[] {
  return model.nodesOf('Conv', 'Gemm', 'MatMul').flatMap((node) => {
    const tensor = model.stored(node.input[1]);
    const values = tensor === undefined ? null : floatsOf(tensor);
    if (tensor === undefined || values === null) return [];
    const dims = dimsOf(tensor);
    if (node.opType === 'Conv') {
      const [out = 0, columns = 0] = dims;
      const size = values.length / (out * columns);
      return [
        { node, tensor, values, out, columns, size, at: (row, column, k) => (row * columns + column) * size + k },
      ];
    }
    const isTurned = node.opType === 'Gemm' && intOf(node, 'transB', 0) === 1;
    const [out = 0, columns = 0] = isTurned ? dims : [dims[1], dims[0]];
    const at = (row: number, column: number): number => (isTurned ? row * columns + column : column * out + row);
    return [{ node, tensor, values, out, columns, size: 1, at }];
  });
}

/** Changes a kernel's values in place, and stores them. */
function kernelEdit(name: string, change: (kernel: Kernel, model: Model) => boolean | undefined): Kind {
  return edits(`kernel: ${name}`, 'wrong', kernelsOf, (model, kernel) => {
    if (change(kernel, model) === false) return false;
    setFloats(kernel.tensor, kernel.values);
    return true;
  });
}

function eachOfRow(kernel: Kernel, row: number, change: (index: number) => void): void {
  for (let column = 0; column < kernel.columns; column++)
    for (let k = 0; k < kernel.size; k++) change(kernel.at(row, column, k));
}

function exchange(values: Float32Array, a: number, b: number): void {
  [values[a], values[b]] = [values[b]!, values[a]!];
}

/** Where the same tensor lies in the dense model. */
function denseKernel(dense: Model, kernel: Kernel): Kernel | undefined {
  return kernelsOf(dense).find(({ tensor }) => tensor.name === kernel.tensor.name);
}

const last = (count: number): number => count - 1;

export const KERNEL_KINDS: readonly Kind[] = [
  kernelEdit('two filters exchanged', (kernel) => {
    if (kernel.out < 2) return false;
    for (let column = 0; column < kernel.columns; column++)
      for (let k = 0; k < kernel.size; k++)
        exchange(kernel.values, kernel.at(0, column, k), kernel.at(last(kernel.out), column, k));
    return true;
  }),
  kernelEdit('one filter stands twice', (kernel) => {
    if (kernel.out < 2) return false;
    for (let column = 0; column < kernel.columns; column++)
      for (let k = 0; k < kernel.size; k++)
        kernel.values[kernel.at(1, column, k)] = kernel.values[kernel.at(0, column, k)]!;
    return true;
  }),
  kernelEdit(
    'a filter of zeros',
    (kernel) =>
      eachOfRow(kernel, last(kernel.out), (at) => {
        kernel.values[at] = 0;
      }) as undefined,
  ),
  kernelEdit(
    'a filter negated',
    (kernel) =>
      eachOfRow(kernel, 0, (at) => {
        kernel.values[at] = -kernel.values[at]!;
      }) as undefined,
  ),
  kernelEdit(
    'a filter larger by a hundredth',
    (kernel) =>
      eachOfRow(kernel, 0, (at) => {
        kernel.values[at] = kernel.values[at]! * 1.01;
      }) as undefined,
  ),
  kernelEdit('one weight changed', (kernel) => {
    const at = kernel.at(0, 0, kernel.size >> 1);
    kernel.values[at] = kernel.values[at]! + 0.25;
  }),
  kernelEdit('all weights changed a little', (kernel) => {
    kernel.values.forEach((value, at) => {
      kernel.values[at] = value * (1 + 0.002 * Math.sin(at));
    });
  }),
  kernelEdit('mirrored', (kernel) => {
    if (kernel.size < 2) return false;
    for (let row = 0; row < kernel.out; row++)
      for (let column = 0; column < kernel.columns; column++)
        for (let k = 0; k < kernel.size >> 1; k++)
          exchange(kernel.values, kernel.at(row, column, k), kernel.at(row, column, kernel.size - 1 - k));
    return true;
  }),
  kernelEdit('height and width exchanged', (kernel) => {
    const side = Math.sqrt(kernel.size);
    if (side < 2 || !Number.isInteger(side)) return false;
    for (let row = 0; row < kernel.out; row++)
      for (let column = 0; column < kernel.columns; column++)
        for (let y = 0; y < side; y++)
          for (let x = 0; x < y; x++)
            exchange(kernel.values, kernel.at(row, column, y * side + x), kernel.at(row, column, x * side + y));
    return true;
  }),
  kernelEdit('that of another layer', (kernel, model) => {
    const other = kernelsOf(model).find(
      ({ tensor, values }) =>
        tensor !== kernel.tensor && String(tensor.dims) === String(kernel.tensor.dims) && values.length > 0,
    );
    if (other === undefined) return false;
    kernel.values.set(other.values);
    return true;
  }),
  kernelEdit('filters shifted by one', (kernel) => {
    if (kernel.out < 2) return false;
    const before = kernel.values.slice();
    for (let row = 0; row < kernel.out; row++)
      for (let column = 0; column < kernel.columns; column++)
        for (let k = 0; k < kernel.size; k++)
          kernel.values[kernel.at(row, column, k)] = before[kernel.at((row + 1) % kernel.out, column, k)]!;
    return true;
  }),
  edits('kernel: a filter that was cut in place of a kept one', 'wrong', kernelsOf, (_, kernel, pair) => {
    const from = denseKernel(pair.dense, kernel);
    if (from === undefined || from.out <= kernel.out || from.columns !== kernel.columns) return false;
    const rowOf = (of: Kernel, row: number): string => {
      const found: number[] = [];
      eachOfRow(of, row, (at) => found.push(of.values[at]!));
      return found.join();
    };
    const kept = new Set(Array.from({ length: kernel.out }, (_, row) => rowOf(kernel, row)));
    const gone = Array.from({ length: from.out }, (_, row) => row).find((row) => !kept.has(rowOf(from, row)));
    if (gone === undefined) return false;
    for (let column = 0; column < kernel.columns; column++)
      for (let k = 0; k < kernel.size; k++)
        kernel.values[kernel.at(0, column, k)] = from.values[from.at(gone, column, k)]!;
    setFloats(kernel.tensor, kernel.values);
    return true;
  }),
];

function columnEdit(name: string, change: (kernel: Kernel) => boolean | undefined): Kind {
  return edits(
    `column: ${name}`,
    'wrong',
    (model) => kernelsOf(model).filter(({ columns }) => columns > 1),
    (_, kernel) => {
      if (change(kernel) === false) return false;
      setFloats(kernel.tensor, kernel.values);
      return true;
    },
  );
}

function eachColumn(kernel: Kernel, change: (row: number, k: number) => void): void {
  for (let row = 0; row < kernel.out; row++) for (let k = 0; k < kernel.size; k++) change(row, k);
}

export const COLUMN_KINDS: readonly Kind[] = [
  columnEdit('two exchanged', (kernel) => {
    eachColumn(kernel, (row, k) =>
      exchange(kernel.values, kernel.at(row, 0, k), kernel.at(row, last(kernel.columns), k)),
    );
  }),
  columnEdit('one stands twice', (kernel) => {
    eachColumn(kernel, (row, k) => {
      kernel.values[kernel.at(row, 1, k)] = kernel.values[kernel.at(row, 0, k)]!;
    });
  }),
  columnEdit('one of zeros', (kernel) => {
    eachColumn(kernel, (row, k) => {
      kernel.values[kernel.at(row, 0, k)] = 0;
    });
  }),
  columnEdit('all shifted by one', (kernel) => {
    const before = kernel.values.slice();
    eachColumn(kernel, (row, k) => {
      for (let column = 0; column < kernel.columns; column++)
        kernel.values[kernel.at(row, column, k)] = before[kernel.at(row, (column + 1) % kernel.columns, k)]!;
    });
  }),
  columnEdit('in reverse', (kernel) => {
    const before = kernel.values.slice();
    eachColumn(kernel, (row, k) => {
      for (let column = 0; column < kernel.columns; column++)
        kernel.values[kernel.at(row, column, k)] = before[kernel.at(row, kernel.columns - 1 - column, k)]!;
    });
  }),
  edits(
    'column: one that was cut in place of a kept one',
    'wrong',
    (model) => kernelsOf(model).filter(({ columns }) => columns > 1),
    (_, kernel, pair) => {
      const from = denseKernel(pair.dense, kernel);
      if (from === undefined || from.columns <= kernel.columns || from.out !== kernel.out) return false;
      const columnOf = (of: Kernel, column: number): string => {
        const found: number[] = [];
        eachColumn(of, (row, k) => found.push(of.values[of.at(row, column, k)]!));
        return found.join();
      };
      const kept = new Set(Array.from({ length: kernel.columns }, (_, column) => columnOf(kernel, column)));
      const gone = Array.from({ length: from.columns }, (_, column) => column).find(
        (column) => !kept.has(columnOf(from, column)),
      );
      if (gone === undefined) return false;
      eachColumn(kernel, (row, k) => {
        kernel.values[kernel.at(row, 0, k)] = from.values[from.at(row, gone, k)]!;
      });
      setFloats(kernel.tensor, kernel.values);
      return true;
    },
  ),
  edits(
    "column: the picture's red and blue exchanged",
    'wrong',
    (model) =>
      kernelsOf(model).filter(
        ({ node, columns }) => node.opType === 'Conv' && columns === 3 && readsPicture(model, node),
      ),
    (_, kernel) => {
      eachColumn(kernel, (row, k) => exchange(kernel.values, kernel.at(row, 0, k), kernel.at(row, 2, k)));
      setFloats(kernel.tensor, kernel.values);
      return true;
    },
  ),
];

/** Whether a node reads a graph input, through layout at most. */
export function readsPicture(model: Model, node: NodeProto): boolean {
  let name = node.input[0];
  for (let steps = 0; steps < 4 && name !== undefined; steps++) {
    if (model.graph.input.some((info) => info.name === name)) return true;
    const maker = model.producer(name);
    if (maker === undefined || !['Transpose', 'Identity', 'Pad', 'Cast'].includes(maker.opType)) return false;
    name = maker.input[0];
  }
  return false;
}

interface Vector {
  readonly tensor: TensorProto;
  readonly values: Float32Array;
}

/** Vectors that follow channels, in the inputs `k` of an operator. */
function vectors(model: Model, op: string, k: number): Vector[] {
  return model.nodesOf(op).flatMap(({ input }) => {
    const tensor = model.stored(input[k]);
    const values = tensor === undefined ? null : floatsOf(tensor);
    return tensor === undefined || values === null || values.length < 2 ? [] : [{ tensor, values }];
  });
}

function vectorKinds(name: string, of: (model: Model) => Vector[]): Kind[] {
  const kind = (what: string, change: (values: Float32Array) => void): Kind =>
    edits(`vector: ${name}, ${what}`, 'wrong', of, (_, { tensor, values }) => {
      change(values);
      setFloats(tensor, values);
      return true;
    });
  return [
    kind('two elements exchanged', (values) => exchange(values, 0, last(values.length))),
    kind('one element changed', (values) => {
      values[0] = values[0]! + 0.5;
    }),
    kind('in reverse', (values) => {
      values.reverse();
    }),
  ];
}

export const VECTOR_KINDS: readonly Kind[] = [
  ...vectorKinds('bias of a convolution', (model) => vectors(model, 'Conv', 2)),
  ...vectorKinds('bias of a dense layer', (model) => [
    ...vectors(model, 'Gemm', 2),
    ...model
      .nodesOf('MatMul')
      .flatMap(({ output }) => model.readers(output[0]!))
      .filter(({ opType }) => opType === 'Add')
      .flatMap(({ input }) => input)
      .flatMap((name) => {
        const tensor = model.stored(name);
        const values = tensor === undefined ? null : floatsOf(tensor);
        return tensor === undefined || values === null || values.length < 2 ? [] : [{ tensor, values }];
      }),
  ]),
  ...vectorKinds('scale of a BatchNorm', (model) => vectors(model, 'BatchNormalization', 1)),
  ...vectorKinds('shift of a BatchNorm', (model) => vectors(model, 'BatchNormalization', 2)),
  ...vectorKinds('mean of a BatchNorm', (model) => vectors(model, 'BatchNormalization', 3)),
  ...vectorKinds('variance of a BatchNorm', (model) => vectors(model, 'BatchNormalization', 4)),
];
