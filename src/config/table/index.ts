import { MODEL } from './model.ts';
import { PROGRAM } from './program.ts';
import type { Setting } from './setting.ts';

export type { ProviderChoice } from './execution.ts';
export type { Folding } from './model.ts';
export { type CommentPolicy, FAIL_ON, type FailOn, FORMATS, type Format } from './outcome.ts';
export { COMMAND_NAMES, type CommandName, type Setting } from './setting.ts';

/** Everything that a user can set: flags, the action's inputs, prunegate.yml, its schema, `--help`, action.yml and docs/action.md's table follow. */
export const SETTINGS = { ...PROGRAM, ...MODEL };
export const MODEL_SETTINGS = MODEL;

export type SettingKey = keyof typeof SETTINGS;
export type ModelSettingKey = keyof typeof MODEL;

type TypeOf<S> = S extends Setting<infer T, infer _> ? T : never;
type DefaultedTypeOf<S> = S extends Setting<infer T, infer D> ? (D extends null ? T | null : T) : never;

/** What flags or inputs say; undefined is not given. */
export type GivenSettings = { readonly [K in SettingKey]?: TypeOf<(typeof SETTINGS)[K]> | undefined };
/** What holds for a model, from wherever it comes. */
export type ModelSettings = { readonly [K in ModelSettingKey]: DefaultedTypeOf<(typeof MODEL)[K]> };

/** Every setting with its key; for those who ask of all alike. */
export const ALL_SETTINGS = Object.entries(SETTINGS) as readonly (readonly [SettingKey, Setting<unknown, unknown>])[];

const BY_KEY = new Map(ALL_SETTINGS);

/** `denseFolded` as flags, inputs and prunegate.yml spell it: `dense-folded`. */
export function spelled(key: SettingKey): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The key of a setting in prunegate.yml. */
export function fileKey(key: SettingKey): string {
  return BY_KEY.get(key)?.key ?? spelled(key);
}

/** What holds where nobody gives a setting; null where nothing does. */
export function usualText({ otherwise, default: usual }: Setting<unknown, unknown>): string | null {
  if (otherwise !== undefined) return otherwise;
  return usual === null ? null : [usual].flat().join(', ');
}
