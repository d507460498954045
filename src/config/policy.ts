import { isDeepStrictEqual } from 'node:util';
import type { Place } from '../errors/place.ts';
import type { Config, ConfigModel } from './config-file.ts';
import { type Settings, settingName } from './settings.ts';
import type { Stricter } from './strictness.ts';
import { ALL_SETTINGS, fileKey, type Setting, type SettingKey } from './table/index.ts';
import type { Mapping } from './values.ts';

/** Something that prunegate.yml says otherwise than at the base commit. */
export interface PolicyChange {
  /** Its key there; `models` for a model that is gone. */
  readonly key: string;
  /** The model whose key it is, by name; null for a key of all models, and for a model without a name. */
  readonly model: string | null;
  /** What held at the base and what the file says now, defaults included; null for nothing. */
  readonly before: unknown;
  readonly after: unknown;
  /** Whether the gate asks for less now. */
  readonly isLowered: boolean;
  /** Where the file says it, or could. */
  readonly at: Place;
}

/** How what a pull request asks for stands to its base. */
export interface PolicyComparison {
  /** Whether what is lowered fails, or is only shown. */
  readonly mode: 'base' | 'report';
  /** Whether the base commit's prunegate.yml was read, is not there, or is not known. */
  readonly base: 'read' | 'absent' | 'unknown';
  readonly commit: string | null;
  readonly changes: readonly PolicyChange[];
  /** Which of the files that decide are others than at the base; null where that is not known. */
  readonly changed: { readonly spec: boolean | null; readonly lock: boolean | null; readonly policy: boolean | null };
}

/** The least that a setting has to ask for; undefined where nothing is demanded. */
export type Bar = (key: SettingKey, model: ConfigModel) => unknown;

type Ordered = readonly [SettingKey, Setting<unknown, unknown>, Stricter<unknown>];

const ORDERED: readonly Ordered[] = ALL_SETTINGS.flatMap(([key, setting]) =>
  typeof setting.policy === 'function' ? [[key, setting, setting.policy] as const] : [],
);
const SHOWN = ALL_SETTINGS.filter(([, { policy }]) => policy === 'shown' || typeof policy === 'object');

/** What holds where nobody says anything. */
export const defaultBar: Bar = (key) => SETTING_OF.get(key)?.default;

const SETTING_OF = new Map(ALL_SETTINGS);

/** What prunegate.yml asks for at the base commit. A model that is new has nothing to keep to. */
export function barOf(base: Config, head: Config): Bar {
  return (key, model) => {
    const setting = SETTING_OF.get(key);
    if (setting?.file !== 'model') return valueIn(base.entries, key);
    const known = counterpart(model, head.models, base.models);
    return known === null ? undefined : valueIn(known.entry, key);
  };
}

/** The stricter, or the louder, of what is said and what is asked for at least. */
export function raised(key: SettingKey, value: unknown, bar: unknown): unknown {
  const { policy } = SETTING_OF.get(key) ?? {};
  if (bar === undefined || policy === undefined || policy === 'shown') return value;
  return typeof policy === 'function' ? policy(value, bar) : policy.louder(value, bar);
}

/**
 * What prunegate.yml says otherwise than at the base commit, in the order of the table; settings that flags or inputs give do not count, for the
 * file does not decide them.
 */
export function policyChanges(base: Config, head: Config, settings: Settings): readonly PolicyChange[] {
  const removed = base.models.filter(
    (model) => isStated(model) && counterpart(model, base.models, head.models) === null,
  );
  return [
    ...removed.map(({ name }): PolicyChange => {
      const at = head.at(['models']);
      return { key: 'models', model: name, before: name ?? 'a model', after: null, isLowered: true, at };
    }),
    ...changesIn('all', base.entries, { name: null, entry: head.entries, path: [] }, head, settings),
    ...head.models.flatMap((model) => {
      const known = counterpart(model, head.models, base.models);
      return known === null ? [] : changesIn('model', known.entry, model, head, settings);
    }),
  ];
}

/** Settings that the file weakens below what holds without it. */
export function weakenings(config: Config, settings: Settings): readonly PolicyChange[] {
  const nothing = { name: null, entry: config.entries, path: [] };
  return [
    ...changesIn('all', {}, nothing, config, settings),
    ...config.models.flatMap((model) => changesIn('model', {}, model, config, settings)),
  ].filter(({ isLowered }) => isLowered);
}

function changesIn(
  whose: 'all' | 'model',
  before: Mapping,
  { name, entry, path }: ConfigModel,
  head: Config,
  settings: Settings,
): readonly PolicyChange[] {
  const isOpen = (key: SettingKey, { file }: Setting<unknown, unknown>): boolean =>
    file === whose && settings[key] === undefined;
  const change = (key: SettingKey, isLowered: boolean): PolicyChange => ({
    key: fileKey(key),
    model: name,
    before: valueIn(before, key),
    after: valueIn(entry, key),
    isLowered,
    at: head.at([...path, fileKey(key)]),
  });
  const ordered = ORDERED.filter(([key, setting]) => isOpen(key, setting)).flatMap(([key, , stricter]) => {
    const [old, now] = [valueIn(before, key), valueIn(entry, key)];
    return isEqual(old, now) ? [] : [change(key, !isEqual(stricter(old, now), now))];
  });
  const shown = SHOWN.filter(([key, setting]) => isOpen(key, setting)).flatMap(([key]) =>
    isEqual(valueIn(before, key), valueIn(entry, key)) ? [] : [change(key, false)],
  );
  return [...ordered, ...shown];
}

/** What a mapping of prunegate.yml says of a setting, or its default. Ordered settings stand there as they are. */
function valueIn(entry: Mapping, key: SettingKey): unknown {
  const setting = SETTING_OF.get(key);
  const value = entry[fileKey(key)] ?? setting?.default ?? null;
  // Lists of words are sets.
  return typeof setting?.policy === 'function' && Array.isArray(value) ? setting.policy(value, value) : value;
}

function isEqual(one: unknown, other: unknown): boolean {
  return isDeepStrictEqual(JSON.parse(JSON.stringify(one)), JSON.parse(JSON.stringify(other)));
}

/** Whether a model is described at all: a file of general keys alone describes none. */
function isStated({ name, entry }: ConfigModel): boolean {
  return name !== null || modelKeys(entry).length > 0;
}

function modelKeys(entry: Mapping): readonly string[] {
  const known = ALL_SETTINGS.filter(([, { file }]) => file === 'model').map(([key]) => fileKey(key));
  return ['models', 'name', ...known].filter((key) => entry[key] !== undefined);
}

/** The same model in another file: of its name; where one of the two has none, that of the same dense model, or the only one of both files. */
function counterpart(
  model: ConfigModel,
  own: readonly ConfigModel[],
  others: readonly ConfigModel[],
): ConfigModel | null {
  const named = others.find(({ name }) => name === model.name);
  if (named !== undefined) return named;
  const possible = others.filter(({ name }) => name === null || model.name === null);
  if (own.length === 1 && others.length === 1) return possible[0] ?? null;
  return possible.find(({ entry }) => isEqual(entry['dense'] ?? null, model.entry['dense'] ?? null)) ?? null;
}

/** A key of prunegate.yml that is not followed, and why, as the end of a sentence. */
export interface IgnoredKey {
  readonly at: Place;
  readonly why: string;
}

/** The keys that say what is pruned by what: with both given, a workflow needs no prunegate.yml. */
const NEEDED = ['dense', 'spec'] as const;

/**
 * Whether the workflow itself says which model is checked, so that a prunegate.yml that merely lies there came by itself.
 */
export function isByInputs(settings: Settings): boolean {
  return settings.from === 'inputs' && settings.config === undefined && namesItsModel(settings);
}

/** Whether flags or inputs say of one model all that must be said. */
export function namesItsModel(settings: Settings): boolean {
  return NEEDED.every((key) => settings[key] !== undefined);
}

/** Such a file can only make the check stricter: what would weaken it, and what it says of models, is left out. */
export function onlyStricter(config: Config, settings: Settings): readonly [Config, readonly IgnoredKey[]] {
  const weaker = new Set(weakenings({ ...config, models: [] }, settings).map(({ key }) => key));
  const ofModels = modelKeys(config.entries);
  const given = NEEDED.map((key) => settingName(settings.from, key)).join(' and ');
  const ignored = [
    ...ofModels.map((key) => ({ at: config.at([key]), why: `the workflow says which model is checked, by ${given}` })),
    ...[...weaker].map((key) => ({
      at: config.at([key]),
      why: `the workflow names no config, so that this file can only make the check stricter`,
    })),
  ];
  const left = Object.entries(config.entries).filter(([key]) => !ofModels.includes(key) && !weaker.has(key));
  const entries: Mapping = Object.fromEntries(left);
  return [{ ...config, entries, models: [{ name: null, entry: {}, path: [] }] }, ignored];
}
