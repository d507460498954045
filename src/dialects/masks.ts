import type { NamedBytes } from '../bytes/index.ts';
import { InputError } from '../errors/input-error.ts';
import type { RetainedIndices } from '../network/index.ts';
import { type NumpyArray, numpyArrays } from '../tensor-files/index.ts';

/** All masks of a model that has as many bytes itself, unpacked (CWE-409). */
const MAX_BYTES = 1024 * 1024 * 1024;

/** `conv1`, or `conv1.weight` and `conv1.weight_mask` as torch.nn.utils.prune names its buffers. */
const WEIGHT = /\.weight(?:_mask)?$/;
/** What is beside a weight's mask says nothing of its own. */
const BIAS = /\.bias(?:_mask)?$/;

/**
 * Retained indices from a .npz of masks by layer, as NNI and torch.nn.utils.prune make them: a filter stays where its mask, the first axis being
 * that of filters, holds a 1.
 * @throws InputError that names the file and the array
 */
export function retainedByMasks(file: NamedBytes): ReadonlyMap<string, RetainedIndices> {
  const retained = new Map<string, RetainedIndices>();
  for (const [name, array] of numpyArrays(file, MAX_BYTES)) {
    const refuse = (problem: string): InputError =>
      new InputError(problem, { file: file.name, ...(name === null ? {} : { key: name }) });
    if (name === null) throw refuse('is one array without a name: save masks with numpy.savez(FILE, **{layer: mask})');
    if (BIAS.test(name)) continue;
    const layer = name.replace(WEIGHT, '');
    if (retained.has(layer)) throw refuse('is a second mask of its layer');
    retained.set(layer, filtersOf(array, refuse));
  }
  return retained;
}

function filtersOf({ type, dims, elements }: NumpyArray, refuse: (problem: string) => InputError): RetainedIndices {
  const [filters = 0] = dims;
  // Whole numbers in a row might be indices as well.
  if (dims.length === 0 || (dims.length === 1 && type !== 'bool' && !type.startsWith('float')))
    throw refuse('is no mask: give one of bool for each filter, or of the shape of the weight');
  const each = elements.length / (filters || 1);
  const kept = new Set<number>();
  for (let at = 0; at < elements.length; at++) {
    const element = Number(elements[at]);
    if (element !== 0 && element !== 1) throw refuse('is no mask: it holds other numbers than 0 and 1');
    if (element === 1) kept.add(Math.floor(at / each));
  }
  return [...kept];
}
