import type { ReadNamed } from '../../bytes/index.ts';
import { InputError } from '../../errors/input-error.ts';
import type { Place } from '../../errors/place.ts';
import { numpyArrays } from '../../tensor-files/index.ts';

/** A file that a spec names, and where. */
export interface NamedFile {
  /** As the spec writes it. */
  readonly path: string;
  readonly at: Place;
  readonly read: ReadNamed;
}

/** A score for each channel takes a few hundred kilobytes; what is larger is no such thing (CWE-409). */
const MAX_BYTES = 256 * 1024 * 1024;

/**
 * The vectors of a .npz file by name.
 * @throws InputError that names the file and the array, for what is no vector of float32 or float64
 */
export function readScoresFile({ path, at, read }: NamedFile): ReadonlyMap<string, Float64Array> {
  const file = read(path, MAX_BYTES, (problem) => {
    return new InputError(`${problem}; it is named at ${at.key ?? 'scores'}`, { file: path });
  });
  const vectors = new Map<string, Float64Array>();
  for (const [name, { type, dims, elements }] of numpyArrays(file, MAX_BYTES)) {
    if (name === null)
      throw new InputError('is one array without a name: save it with numpy.savez(FILE, **{name: scores})', {
        file: path,
      });
    if (dims.length !== 1 || (type !== 'float32' && type !== 'float64'))
      throw new InputError('must be a vector of float32 or float64: one score for each channel', {
        ...{ file: path, key: name },
      });
    vectors.set(name, Float64Array.from(elements as Float32Array | Float64Array));
  }
  return vectors;
}
