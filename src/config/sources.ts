import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { inputErrorAt } from '../errors/place.ts';
import { type Config, loadConfig } from './config-file.ts';
import { openablePath } from './paths.ts';
import { type IgnoredKey, isByInputs, onlyStricter } from './policy.ts';
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
  const found = loadConfig(settings.config, base, settingPlace(settings, 'config'));
  if (found.file === null || !isByInputs(settings)) return { settings, base, config: found, ignored: [] };
  refuseHalfStated(settings, found);
  const [config, ignored] = onlyStricter(found, settings);
  return { settings, base, config, ignored };
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
