import type { Place } from '../errors/place.ts';
import type { ModelRequest } from './requests.ts';
import { type SpecOrigin, specAgain } from './spec.ts';
import { MODEL_SETTINGS, type ModelSettingKey } from './table/index.ts';
import type { YamlFile } from './yaml.ts';
import { yamlAgain } from './yaml-file.ts';

/** A request as plain data, which can be given to another thread. */
export interface RequestData extends Omit<ModelRequest, 'at' | 'spec'> {
  readonly places: Readonly<Record<ModelSettingKey, Place>>;
  readonly spec: SpecOrigin | null;
}

export function requestData({ at, spec, ...values }: ModelRequest): RequestData {
  const keys = Object.keys(MODEL_SETTINGS) as ModelSettingKey[];
  const places = Object.fromEntries(keys.map((key) => [key, at(key)])) as Record<ModelSettingKey, Place>;
  return { ...values, places, spec: spec?.origin ?? null };
}

/**
 * The request of its data; no file is read again.
 * @param known files that were parsed before: models of one prunegate.yml may share one
 */
export function requestOfData({ places, spec, ...values }: RequestData, known: Map<string, YamlFile>): ModelRequest {
  return { ...values, spec: spec === null ? null : specAgain(spec, parsed(spec, known)), at: (key) => places[key] };
}

function parsed(origin: SpecOrigin, known: Map<string, YamlFile>): YamlFile {
  const { path, text, under } = origin;
  const last = known.get(path);
  if (last !== undefined && last.text === text && last.under === under) return last;
  const file = yamlAgain(origin);
  known.set(path, file);
  return file;
}
