import { InputError } from '../errors/input-error.ts';
import type { Place } from '../errors/place.ts';
import { ALL_SETTINGS, type GivenSettings, type SettingKey, spelled } from './table/index.ts';

/** Who gave the settings; messages name `--dense` or `input dense` accordingly. */
export type SettingsOrigin = 'flags' | 'inputs';

/** What flags or action inputs say, before prunegate.yml and defaults; undefined is not given. */
export interface Settings extends GivenSettings {
  readonly from: SettingsOrigin;
}

/** The name under which the user gave a setting: `--dense-folded`, or `input dense-folded`. */
export function settingName(origin: SettingsOrigin, key: SettingKey): string {
  return origin === 'flags' ? `--${spelled(key)}` : `input ${spelled(key)}`;
}

/** The place of a setting that a flag or an input gives, or could. */
export function settingPlace({ from }: Settings, key: SettingKey): Place {
  return { file: null, line: null, key: settingName(from, key) };
}

/**
 * Settings from the action's inputs. Blank inputs are not given.
 * @param get the raw text of an input by its kebab-case name, '' where it is not given (getInput of @actions/core).
 * @throws InputError that names the input, its value and what is allowed.
 */
export function settingsFromInputs(get: (name: string) => string): Settings {
  return settingsFrom('inputs', (key) => {
    const text = get(spelled(key)).trim();
    return text === '' ? undefined : text;
  });
}

/**
 * Settings from command-line flags.
 * @param options what the command-line parser gives: camelCase keys; texts, booleans, and lists of texts for repeatable flags. Other keys are
 *   ignored: the parser knows its flags.
 * @throws InputError that names the flag, its value and what is allowed.
 */
export function settingsFromFlags(options: Readonly<Record<string, unknown>>): Settings {
  return settingsFrom('flags', (key) => {
    const value = options[key];
    // `--pruned "$UNSET"` must not fall back to the config file.
    if (typeof value === 'string' && value.trim() === '')
      throw new InputError('must not be empty', { key: settingName('flags', key) });
    return value;
  });
}

function settingsFrom(from: SettingsOrigin, given: (key: SettingKey) => unknown): Settings {
  const entries = ALL_SETTINGS.flatMap(([key, { kind, input }]) => {
    if (from === 'inputs' && input !== true) return [];
    const value = given(key);
    const at = { file: null, line: null, key: settingName(from, key) };
    return value === undefined ? [] : [[key, kind.read(value, at)]];
  });
  return { from, ...(Object.fromEntries(entries) as GivenSettings) };
}
