import type { ReusableBuffer } from '../../../bytes/index.ts';
import { type Layer, type Onlooker, onceByValue, type Weight } from '../../../network/index.ts';
import { type InPassing, lookingOn, summedUp } from '../../shared/in-passing.ts';
import { addSums, roomForSums } from '../../shared/sums.ts';
import { numbersOf, scaled } from '../../shared/weights.ts';

/** Sums over a layer's weights of `abs(w) ** p`, and over how many weights each goes. */
export interface Magnitudes {
  /** For each output channel. */
  readonly rows: Float64Array;
  readonly perRow: number;
  /** For each input channel of one group, over the output channels of all groups (importance.py:219-226). */
  readonly columns: Float64Array;
  readonly perColumn: number;
}

export interface MagnitudesReader {
  /** Those of a layer, which is read at most once for each exponent; null where it has no weights. */
  of(layer: Layer, p: number): Magnitudes | null;
  /** Finds them for weights that others read. */
  onlooker(weights: ReadonlySet<Weight>, p: number): Onlooker;
}

export function magnitudesReader(buffer: ReusableBuffer): MagnitudesReader {
  const under = onceByValue((p: number) => summing(p, buffer));
  return {
    of({ weight }, p) {
      return weight === null || 'opaque' in weight ? null : summedUp(weight, under(p), buffer);
    },
    onlooker: (weights, p) => lookingOn(weights, under(p)),
  };
}

function summing(p: number, buffer: ReusableBuffer): InPassing<Magnitudes> {
  return {
    seen: new WeakMap(),
    room: roomForSums,
    add(before, weight, block, data) {
      const sums = before ?? emptySums(weight);
      const values = scaled(numbersOf(data), block.weight, buffer);
      addSums(values, block.weight, p, sums.rows.subarray(block.first), sums.columns, buffer);
      return sums;
    },
  };
}

function emptySums({ outCount, inCount, kernelOffsets }: Weight): Magnitudes {
  const kernel = kernelOffsets.length;
  return {
    rows: new Float64Array(outCount),
    perRow: inCount * kernel,
    columns: new Float64Array(inCount),
    perColumn: outCount * kernel,
  };
}
