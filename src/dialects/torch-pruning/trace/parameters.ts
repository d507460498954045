import { type BareConstant, bareConstants, type Network, once } from '../../../network/index.ts';
import { numbersIn } from '../../shared/weights.ts';
import type { Module } from './module-graph.ts';

/**
 * A parameter that no module of torch.nn has. Torch-Pruning prunes its last axis of more than one position, whatever that is
 * (graph.py:369), and leaves a group alone that would take all of it.
 */
export interface Parameter {
  readonly name: string;
  readonly width: number;
  /** False for what may as well be a buffer, which Torch-Pruning does not see: an export has the same for both. */
  readonly isSure: boolean;
  /** Whether its name says so, too: a table of relative positions is a parameter as a rule, but may be none. */
  readonly isNamed: boolean;
}

/** Parameters that operations around products of matrices read: tables of relative positions. Elsewhere they follow channels. */
export function parametersOf(network: Network, around: ReadonlySet<Module>): (module: Module) => readonly Parameter[] {
  const constants = around.size === 0 ? [] : bareConstants(network);
  return once((module: Module): readonly Parameter[] => {
    if (!around.has(module)) return [];
    const own = constants.filter(({ layer }) => layer === module.layer.id);
    return own.flatMap((constant) => {
      const width = constant.tensor.dims.findLast((size) => size > 1);
      if (width === undefined || !mayBeParameter(constant)) return [];
      const isNamed = PARAMETER.test(constant.name);
      return [{ name: constant.name, width, isSure: constant.read === 'looked-up' || isNamed, isNamed }];
    });
  });
}

/** What modules call their parameters, and nobody a buffer. */
const PARAMETER = /\.(weight|bias|gamma|beta)$/;

/** Frequencies, and sines and cosines of them, are not trained, and what has two values is a mask. */
function mayBeParameter({ read, tensor }: BareConstant): boolean {
  if (read !== 'plain') return read === 'looked-up';
  const values = numbersIn(tensor);
  const distinct = new Set<number>();
  for (let k = 0; k < values.length && distinct.size <= 2; k++) distinct.add(values[k]!);
  return distinct.size > 2 && !isWaves(values, tensor.dims);
}

/** How far float32 sines of one column lie from what their neighbours say, of their size. */
const WAVE_ERROR = 1e-4;

/**
 * Whether each column of a table is a sine or cosine of the row's number, as tables of rotary positions are: then
 * v[t + 1] + v[t - 1] is 2 cos(a) v[t], with one angle a for the column, in every row.
 */
function isWaves(values: Float32Array | Float64Array, dims: readonly number[]): boolean {
  const [rows, columns, ...more] = dims.filter((size) => size > 1);
  if (rows === undefined || columns === undefined || more.length > 0 || rows < 5) return false;
  const at = (row: number, column: number): number => values[row * columns + column]!;
  for (let column = 0; column < columns; column++) {
    let [high, size] = [1, 0];
    for (let row = 0; row < rows; row++) {
      size = Math.max(size, Math.abs(at(row, column)));
      if (row > 0 && row < rows - 1 && Math.abs(at(row, column)) > Math.abs(at(high, column))) high = row;
    }
    const factor = (at(high - 1, column) + at(high + 1, column)) / (at(high, column) || 1);
    for (let row = 1; row < rows - 1; row++) {
      const error = at(row - 1, column) + at(row + 1, column) - factor * at(row, column);
      if (!(Math.abs(error) <= WAVE_ERROR * size)) return false;
    }
  }
  return true;
}
