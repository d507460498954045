import type { ModelRequest } from '../config/index.ts';
import type { Spec } from '../dialects/index.ts';
import type { Place } from '../errors/place.ts';
import { pathBelow } from '../files/index.ts';
import { onceByValue } from '../network/index.ts';
import type { PlaceOf } from '../verdict/index.ts';

/**
 * Where the keys of a spec were given, for a reader who sees the folder.
 * @param folder where the repository was checked out
 */
export function specPlaces(spec: Spec, folder = process.cwd()): PlaceOf {
  const seen = seeing(folder);
  return (key) => {
    const place = spec.at(key);
    // An override given as a flag or an input stands in no file; then the spec is what it overrides.
    return seen(place.file === null ? { ...place, file: spec.file } : place);
  };
}

/** The same of what else was asked of a model. */
export function requestPlaces({ at }: ModelRequest, folder = process.cwd()): ModelRequest['at'] {
  const seen = seeing(folder);
  return (key) => seen(at(key));
}

/** A file in the folder is named from there, so that another machine finds it in its own copy. */
export function seenFrom(folder: string, place: Place): Place {
  return seeing(folder)(place);
}

/** The same for many places, as many findings have them: the disk is asked of each file once. */
function seeing(folder: string): (place: Place) => Place {
  const pathOf = onceByValue((file: string) => pathBelow(file, folder) ?? file);
  return ({ file, ...place }) => ({ ...place, file: file === null ? null : pathOf(file) });
}
