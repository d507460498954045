import { InputError } from '../errors/input-error.ts';
import { narrowerOf } from '../onnx/index.ts';
import { convertElements, type ElementType, type NumpyArray } from '../tensor-files/index.ts';
import { LAYOUTS } from '../tensor-files/pictures.ts';
import { readArrays } from './input-files.ts';
import type { ResolvedInput } from './input-shapes.ts';
import type { Case, Feed } from './protocol.ts';

/** A second batch size shows reshapes and statistics that mix samples. */
const BATCHES = [1, 3] as const;

/** Zeros show biases and paddings alone, noise everything; then what the user gives. */
export function casesOf(inputs: readonly ResolvedInput[], files: readonly string[]): readonly Case[] {
  const hasBatch = inputs.some(({ shape }) => shape[0] === null);
  const made = (name: string, batch: number, fill: (k: number) => Feed['fill']): Case => ({
    name: hasBatch ? `${name}, batch of ${batch}` : name,
    feeds: inputs.map((input, k) => ({
      ...fedTo(input),
      dims: input.shape.map((size) => size ?? batch),
      fill: fill(k),
    })),
  });
  const [one, several] = BATCHES;
  return [
    made('zeros', one, () => ({ kind: 'zeros' })),
    made('noise', one, (k) => ({ kind: 'noise', seed: 1 + k })),
    made(hasBatch ? 'noise' : 'other noise', several, (k) => ({ kind: 'noise', seed: 101 + k })),
    ...files.map((path) => fileCase(path, inputs)),
  ];
}

/** Where one model was converted, both are fed what the narrower of their types holds. */
function fedTo({ name, dense, type, denseType }: ResolvedInput): Pick<Feed, 'input' | 'type' | 'takes'> {
  return {
    input: { dense, pruned: name },
    type: (narrowerOf(type, denseType) ?? type) as ElementType,
    takes: { dense: denseType, pruned: type },
  };
}

function fileCase(path: string, inputs: readonly ResolvedInput[]): Case {
  const arrays = readArrays(path);
  const feeds = inputs.map((input): Feed => {
    const array = nameFor(input, arrays, inputs.length === 1);
    const found = arrays.get(array);
    if (found === undefined) {
      const has = arrays.has(null)
        ? 'it is one array without a name: use numpy.savez'
        : `it has ${[...arrays.keys()].join(', ')}`;
      throw new InputError(`holds no array for the input ${input.name}; ${has}`, { file: path });
    }
    requireFit(path, input, found);
    const fed = fedTo(input);
    const elements = convertElements(found.elements, found.type, fed.type);
    return { ...fed, dims: found.dims, fill: { kind: 'given', elements } };
  });
  return { name: path, feeds };
}

/** A picture comes in both layouts: the channels of an input that has three on its second axis come first. */
function nameFor(
  { name, shape }: ResolvedInput,
  arrays: ReadonlyMap<string | null, NumpyArray>,
  isOnly: boolean,
): string | null {
  if (!isOnly || arrays.has(name)) return name;
  const [first, last] = LAYOUTS;
  if (arrays.has(first)) return shape[1] === 3 ? first : last;
  return arrays.has(null) ? null : name;
}

function requireFit(path: string, { name, type, denseType, shape }: ResolvedInput, array: NumpyArray): void {
  const isFit =
    shape.length === array.dims.length && shape.every((size, axis) => (size ?? array.dims[axis]) === array.dims[axis]);
  if (!isFit || array.dims.includes(0))
    throw new InputError(`does not fit the input ${name}, which is ${shape.map((size) => size ?? 'N').join('x')}`, {
      file: path,
      value: array.dims.join('x'),
    });
  // Samples are what the dense model was trained with, most often, and a picture has no type of its own.
  const isRounded = array.type === 'float32' && type === 'float16';
  if (array.type !== type && array.type !== denseType && !isRounded)
    throw new InputError(`does not fit the input ${name}, which takes ${type}: convert it with astype`, {
      file: path,
      value: array.type,
    });
}
