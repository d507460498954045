import type { Place } from '../errors/place.ts';
import type { CommandEntry, Config, ConfigModel } from './config-file.ts';
import { openablePath } from './paths.ts';
import { type Settings, settingPlace } from './settings.ts';
import { fileKey } from './table/index.ts';

/** A command of the user's that makes a model file. Running it is process/'s business. */
export interface CommandRequest {
  readonly run: string;
  readonly shell: string | null;
  readonly workingDirectory: string | null;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMinutes: number | null;
  /** Where it was given. */
  readonly at: Place;
}

/**
 * A model's command as a flag, an input or prunegate.yml gives it; null where none does.
 * @param base the absolute folder in which a command of flags and inputs runs
 */
export function commandRequest(
  key: 'exportCommand' | 'pruneCommand',
  settings: Settings,
  base: string,
  config: Config,
  { entry, path }: ConfigModel,
): CommandRequest | null {
  const given = settings[key];
  const timeoutMinutes = settings.timeoutMinutes ?? null;
  if (given !== undefined) {
    const at = settingPlace(settings, key);
    return { run: given, shell: null, workingDirectory: base, env: {}, timeoutMinutes, at };
  }
  const name = fileKey(key);
  const configured = entry[name] as CommandEntry | undefined;
  if (configured === undefined) return null;
  const { run, shell = null, 'working-directory': folder, env = {}, 'timeout-minutes': ownMinutes = null } = configured;
  return {
    run,
    shell,
    workingDirectory:
      folder === undefined
        ? config.folder
        : openablePath(folder, config.folder, config.at([...path, name, 'working-directory'])),
    env: Object.fromEntries(
      Object.entries(env).map(([variable, value]) => [
        variable,
        config.file?.sourceOf([...path, name, 'env', variable]) ?? String(value),
      ]),
    ),
    timeoutMinutes: timeoutMinutes ?? ownMinutes,
    at: config.at([...path, name]),
  };
}
