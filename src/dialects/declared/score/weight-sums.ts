import type { ReusableBuffer } from '../../../bytes/index.ts';
import { type Onlooker, onceByValue, type Weight } from '../../../network/index.ts';
import { type InPassing, lookingOn, summedUp } from '../../shared/in-passing.ts';
import { addSums, power, roomForSums, type Walk } from '../../shared/sums.ts';
import { numbersOf, scaled } from '../../shared/weights.ts';
import type { ImportanceKeys, ValueName } from '../keys.ts';
import { exponentOf } from './norms.ts';

/** Sums over weights, each found once: what the weights add to a value's norm. */
export interface WeightSums {
  /** By filter. */
  rows(weight: Weight, value: ValueName): Float64Array;
  /** By input column, over all filters. */
  columns(weight: Weight, value: ValueName): Float64Array;
  /** Finds them for weights that others read. */
  onlooker(weights: ReadonlySet<Weight>, value: ValueName, axis: ImportanceKeys['axis']): Onlooker;
  /** What weights are read into. */
  readonly buffer: ReusableBuffer;
}

type Sums = Float64Array;

export function weightSums(buffer: ReusableBuffer): WeightSums {
  const along = {
    out: onceByValue((p: 1 | 2) => rowSums(p, buffer)),
    in: onceByValue((p: 1 | 2) => columnSums(p, buffer)),
  };
  return {
    rows: (weight, value) => summedUp(weight, along.out(exponentOf(value)), buffer),
    columns: (weight, value) => summedUp(weight, along.in(exponentOf(value)), buffer),
    onlooker: (weights, value, axis) => lookingOn(weights, along[axis](exponentOf(value))),
    buffer,
  };
}

function rowSums(p: number, buffer: ReusableBuffer): InPassing<Sums> {
  return {
    seen: new WeakMap(),
    room: (block) => roomForSums(inOneGo(block)),
    add(before, { outCount }, { first, weight }, data) {
      const sums = before ?? new Float64Array(outCount);
      addSums(scaled(numbersOf(data), weight, buffer), inOneGo(weight), p, sums.subarray(first), null, buffer);
      return sums;
    },
  };
}

/** A filter's weights one after another, columns and then positions: as one column. */
function inOneGo(weight: Weight): Walk {
  const { outCount, outStride, inCount, inStride, kernelOffsets } = weight;
  if (kernelOffsets.length === 1) return weight;
  const all = new Int32Array(inCount * kernelOffsets.length);
  for (let j = 0; j < inCount; j++)
    for (let k = 0; k < kernelOffsets.length; k++) all[j * kernelOffsets.length + k] = j * inStride + kernelOffsets[k]!;
  return { outCount, outStride, inCount: 1, inStride: 0, kernelOffsets: all };
}

function columnSums(p: number, buffer: ReusableBuffer): InPassing<Sums> {
  return {
    seen: new WeakMap(),
    room: roomForSums,
    add(before, { inCount }, { weight }, data) {
      const sums = before ?? new Float64Array(inCount);
      addColumns(scaled(numbersOf(data), weight, buffer), weight, p, sums, buffer);
      return sums;
    },
  };
}

/** Each column's weights are added one after another, those of a filter's positions too. */
function addColumns(
  values: Float32Array | Float64Array,
  weight: Weight,
  p: number,
  sums: Float64Array,
  buffer: ReusableBuffer,
): void {
  const { outCount, outStride, inCount, inStride, kernelOffsets } = weight;
  if (kernelOffsets.length === 1) {
    addSums(values, weight, p, new Float64Array(outCount), sums, buffer);
    return;
  }
  for (let i = 0; i < outCount; i++)
    for (let j = 0; j < inCount; j++)
      for (let k = 0; k < kernelOffsets.length; k++)
        sums[j]! += power(values[i * outStride + j * inStride + kernelOffsets[k]!]!, p);
}
