import { UNIT } from '../../shared/rounding.ts';
import type { Reduction } from '../spec.ts';
import { LOST } from '../trace/placement.ts';
import { rankedUnit } from './half-precision.ts';
import type { Term, Unknown } from './terms.ts';

/** A score for each channel, and how far Torch-Pruning's float32 result may be off. */
export interface Scores {
  readonly values: Float64Array;
  readonly errors: Float64Array;
}

/** Scores, and half a unit in the last place of the numbers that Torch-Pruning may have computed them in. */
export interface Rounded extends Scores {
  readonly unit: number;
}

/**
 * `_reduce` (importance.py:139-178): the terms of a group to scores of its channels, as many as the first term has values.
 * That is the root's number of channels but where the root itself is not scored: a depthwise convolution, or a convolution
 * where only BatchNorm is.
 */
export function reduce(all: readonly Term[], reduction: Reduction): Rounded | Unknown {
  const channels = all[0]!.values.length;
  const terms = all.filter(isCounted);
  const used = usedOf(all, reduction);
  for (const { root } of used) {
    const beyond = root.find((channel) => channel >= channels);
    if (beyond === undefined) continue;
    const isSelected = reduction === 'max' || reduction === 'prod';
    const text = isSelected
      ? `INDICES element is out of DATA bounds, id=${beyond} axis_dim=${channels}`
      : `index ${beyond} is out of bounds for dimension 0 with size ${channels}`;
    return { unknown: `RuntimeError: ${text}`, remedy: null, isRaised: true };
  }
  const unit = Math.max(UNIT, ...all.map(({ dtype }) => rankedUnit(dtype)));
  switch (reduction) {
    case 'sum':
    case 'mean':
      return added(terms, channels, reduction === 'mean' ? terms.length : 1, unit);
    case 'max':
      return written(terms, channels, unit, -99999, (known, value) => Math.max(known, value));
    case 'prod':
      return written(terms, channels, unit, 1, (known, value) => known * value);
    case 'first':
      return written(used, channels, unit, 0, (_, value) => value);
    case 'gate':
      return written(used, channels, unit, 0, (_, value) => value);
  }
}

/** The first and the last one may be one that is left out: then nothing counts. */
function usedOf(terms: readonly Term[], reduction: Reduction): readonly Term[] {
  const used = reduction === 'first' ? terms.slice(0, 1) : reduction === 'gate' ? terms.slice(-1) : terms;
  return used.filter(isCounted);
}

/** Where it is lost which of the root's channels a value is for, none of the term's counts (importance.py:151). */
function isCounted({ root }: Term): boolean {
  return !root.includes(LOST);
}

function added(terms: readonly Term[], channels: number, divisor: number, unit: number): Rounded {
  const [values, errors] = [new Float64Array(channels), new Float64Array(channels)];
  // By index: a ViT's group has each channel in fifty terms.
  for (const { root, values: own, errors: ownErrors } of terms) {
    for (let k = 0; k < root.length; k++) {
      const channel = root[k]!;
      values[channel]! += own[k]!;
      // Each addition rounds; channels of a flattened map are added position by position.
      errors[channel]! += ownErrors[k]! + unit * values[channel]!;
    }
  }
  for (let k = 0; k < channels; k++) {
    values[k]! /= divisor;
    errors[k]! = errors[k]! / divisor + unit * values[k]!;
  }
  return { values, errors, unit };
}

/**
 * The other reductions write with `scatter_`. Where several values count for one channel, as behind a flatten, the last
 * one written stays: the last in order on the CPU, and any on a GPU.
 */
function written(
  terms: readonly Term[],
  channels: number,
  unit: number,
  start: number,
  join: (known: number, value: number) => number,
): Rounded {
  const values = new Float64Array(channels).fill(start);
  const errors = new Float64Array(channels);
  for (const { root, values: own, errors: ownErrors } of terms) {
    const [known, knownErrors] = [values.slice(), errors.slice()];
    for (const [k, channel] of root.entries()) {
      const value = join(known[channel]!, own[k]!);
      const [gain, carry] = start === 1 ? [known[channel]!, own[k]!] : [1, 1];
      values[channel] = value;
      errors[channel] =
        ownErrors[k]! * Math.abs(gain) + knownErrors[channel]! * Math.abs(carry) + unit * Math.abs(value);
    }
  }
  return { values, errors, unit };
}

/** Whether the scores hang on which of several values was written last. */
export function isLastWritten(terms: readonly Term[], reduction: Reduction): boolean {
  if (reduction === 'sum' || reduction === 'mean') return false;
  return usedOf(terms, reduction).some(({ root }) => new Set(root).size < root.length);
}
