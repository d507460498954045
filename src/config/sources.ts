import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { inputErrorAt } from '../errors/place.ts';
import { type Config, configOf, loadConfig } from './config-file.ts';
import { openablePath } from './paths.ts';
import { type IgnoredKey, isByInputs, namesItsModel, onlyStricter } from './policy.ts';
import { type Settings, settingPlace } from './settings.ts';

/** What there is before it is known which models are asked for. */
export interface Sources {
  readonly settings: Settings;
  /** The absolute folder to which flags and inputs are relative. */
  readonly base: string;
  readonly config: Config;
  /** Keys of prunegate.yml that are not followed. */
  readonly ignored: readonly IgnoredKey[];
}

/**
 * Reads prunegate.yml, if there is one. Where the workflow itself says which model is checked, only what makes the check stricter is left of it.
 * @throws InputError for the first mistake in settings or prunegate.yml
 */
export function loadSources(settings: Settings, cwd: string): Sources {
  const base = workingFolder(settings, cwd);
  const found = configFor(settings, base);
  if (found.file === null || !isByInputs(settings)) return { settings, base, config: found, ignored: [] };
  refuseHalfStated(settings, found);
  const [config, ignored] = onlyStricter(found, settings);
  return { settings, base, config, ignored };
}

/** What flags name whole is checked as it is where prunegate.yml has several other models. */
function configFor(settings: Settings, base: string): Config {
  const { config, model, from } = settings;
  if (config === false) return configOf(null, base);
  const found = loadConfig(config, base, settingPlace(settings, 'config'));
  const isElsewhere = from === 'flags' && config === undefined && model === undefined && found.models.length > 1;
  return isElsewhere && namesItsModel(settings) ? configOf(null, base) : found;
}

/** Without this the built-in pruner would make a pruned model of its own, and the one that is meant would go unchecked. */
function refuseHalfStated(settings: Settings, { models, at }: Config): void {
  if (settings.pruned !== undefined) return;
  const [model, key] =
    models
      .flatMap((one) => (['pruned', 'prune'] as const).map((name) => [one, name] as const))
      .find(([{ entry }, name]) => entry[name] !== undefined) ?? [];
  if (model === undefined || key === undefined) return;
  throw inputErrorAt(
    at([...model.path, key]),
    'stands beside a dense model and a spec that the workflow gives by inputs: give input pruned too, or name this file by input config',
  );
}

function workingFolder(settings: Settings, cwd: string): string {
  if (settings.workingDirectory === undefined) return resolve(cwd);
  const place = settingPlace(settings, 'workingDirectory');
  const folder = resolve(openablePath(settings.workingDirectory, resolve(cwd), place));
  if (isFolder(folder)) return folder;
  throw inputErrorAt(place, 'must be an existing folder', settings.workingDirectory);
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
