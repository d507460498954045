import { InputError } from '../errors/input-error.ts';
import { readWhole } from '../files/index.ts';
import { isNumpy, type NumpyArray, numpyArrays } from '../tensor-files/index.ts';
import { isPicture, pictureArrays } from '../tensor-files/pictures.ts';

/** A file is untrusted input: it may come from a pull request (CWE-409, CWE-770). */
const MAX_FILE_BYTES = 1024 * 1024 * 1024;

/**
 * The arrays of a .npz file by name, the only one of a .npy file under no name, or a picture's in both layouts of a model's input.
 * @throws InputError that names the file, for one that is no such file or holds what cannot be read
 */
export function readArrays(path: string): ReadonlyMap<string | null, NumpyArray> {
  const file = readWhole(path, MAX_FILE_BYTES, (problem) => new InputError(problem, { file: path }));
  if (isPicture(file.bytes)) return pictureArrays(file);
  if (isNumpy(file.bytes)) return numpyArrays(file, MAX_FILE_BYTES);
  const problem = 'is no .npy or .npz file and no picture: save it with numpy.save or numpy.savez, as PNG or as JPEG';
  throw new InputError(problem, { file: path });
}
