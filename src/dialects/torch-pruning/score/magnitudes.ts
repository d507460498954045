import type { ReusableBuffer } from '../../../bytes/index.ts';
import { filterBlocks, type Layer, type Weight } from '../../../network/index.ts';
import { weightsOf } from '../../shared/weights.ts';

/** Sums over a layer's weights of `abs(w) ** p`, and over how many weights each goes. */
export interface Magnitudes {
  /** For each output channel. */
  readonly rows: Float64Array;
  readonly perRow: number;
  /** For each input channel of one group, over the output channels of all groups (importance.py:219-226). */
  readonly columns: Float64Array;
  readonly perColumn: number;
}

/** Reads each layer's weights at most once for each exponent. */
export function magnitudesReader(buffer: ReusableBuffer): (layer: Layer, p: number) => Magnitudes | null {
  const known = new Map<number, Map<Layer, Magnitudes | null>>();
  return (layer, p) => {
    const ofLayers = known.get(p) ?? new Map<Layer, Magnitudes | null>();
    known.set(p, ofLayers);
    const found = ofLayers.get(layer);
    if (found !== undefined) return found;
    const { weight } = layer;
    const summed = weight === null || 'opaque' in weight ? null : sums(weight, p, buffer);
    ofLayers.set(layer, summed);
    return summed;
  };
}

function sums(weight: Weight, p: number, buffer: ReusableBuffer): Magnitudes {
  const { outCount, inCount, kernelOffsets } = weight;
  const [rows, columns] = [new Float64Array(outCount), new Float64Array(inCount)];
  for (const block of filterBlocks(weight)) addSums(block.weight, p, buffer, rows.subarray(block.first), columns);
  const kernel = kernelOffsets.length;
  return { rows, perRow: inCount * kernel, columns, perColumn: outCount * kernel };
}

/** @param columns are added to, filter after filter */
function addSums(weight: Weight, p: number, buffer: ReusableBuffer, rows: Float64Array, columns: Float64Array): void {
  const values = weightsOf(weight, buffer);
  const { outCount, outStride, inCount, inStride, kernelOffsets } = weight;
  const kernel = kernelOffsets.length;
  for (let i = 0; i < outCount; i++) {
    let row = 0;
    for (let j = 0; j < inCount; j++) {
      const base = i * outStride + j * inStride;
      let window = 0;
      for (let k = 0; k < kernel; k++) window += power(values[base + kernelOffsets[k]!]!, p);
      row += window;
      columns[j]! += window;
    }
    rows[i] = row;
  }
}

export function power(value: number, p: number): number {
  if (p === 2) return value * value;
  return p === 1 ? Math.abs(value) : Math.abs(value) ** p;
}
