import { InputError } from '../errors/input-error.ts';
import { inputErrorAt, type Place, placeText } from '../errors/place.ts';
import { type CommandRequest, commandRequest } from './command-requests.ts';
import type { Config, ConfigModel } from './config-file.ts';
import { openablePath } from './paths.ts';
import { type Bar, type PolicyComparison, raised } from './policy.ts';
import { type Settings, settingName, settingPlace } from './settings.ts';
import { loadSources, type Sources } from './sources.ts';
import { type SpecDocument, specFromFile, specFromInline } from './spec.ts';
import {
  ALL_SETTINGS,
  fileKey,
  MODEL_SETTINGS,
  type ModelSettingKey,
  type ModelSettings,
  type Setting,
} from './table/index.ts';
import { isMapping, nearest } from './values.ts';
import { readSpecYaml } from './yaml-file.ts';

/** What is asked of executing both models: the action tries to unless that is ruled out, the command line's check does only when asked. */
export type ExecutionDemand = 'none' | 'tried' | 'demanded';

/** Settings that a request holds in another form. */
type Reshaped =
  | 'dense'
  | 'spec'
  | 'overrides'
  | 'exportCommand'
  | 'pruneCommand'
  | 'timeoutMinutes'
  | 'commands'
  | 'execute';

/** One model to check: flags or inputs over prunegate.yml over defaults. Paths can be opened from the process's folder. */
export interface ModelRequest extends Omit<ModelSettings, Reshaped> {
  /** The name in prunegate.yml; null where it has none. */
  readonly name: string | null;
  readonly dense: string;
  readonly spec: SpecDocument | null;
  readonly commands: { readonly export: CommandRequest | null; readonly prune: CommandRequest | null };
  readonly execution: ExecutionDemand;
  /** The flags that ask the same again of `explain`. */
  readonly again: readonly string[];
  /** What the user should know of how the settings came about, a sentence each. */
  readonly notes: readonly string[];
  /** How it stands to the base commit; null where nobody looked. */
  readonly policy: PolicyComparison | null;
  /** The lock file as it is at the base commit; null where nobody looked. */
  readonly lockAtBase: BaseText | null;
  /** All models of prunegate.yml, as reports name them, whichever are checked. */
  readonly siblings: readonly string[];
  /** Where a setting of this model was given: flag, input or line of prunegate.yml; for one that was not, where it could be. */
  at(key: ModelSettingKey): Place;
}

/** A file of the base commit. */
export type BaseText =
  | { readonly kind: 'file'; readonly text: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unknown'; readonly reason: string };

/** Settings whose values are paths; a spec's is one only where it does not stand in prunegate.yml. */
export const PATH_SETTINGS = (Object.keys(MODEL_SETTINGS) as ModelSettingKey[]).filter(
  (key) => MODEL_SETTINGS[key].kind.opened !== undefined,
);

/** How both models are executed. */
export type ExecutionRequest = Pick<
  ModelRequest,
  'executionProvider' | 'requireGpu' | 'onnxruntime' | 'inputs' | 'inputShapes'
>;

/** What pruning must have bought; null where nothing is asked. */
export type Gates = Pick<
  ModelRequest,
  'maxLatencyRatio' | 'minParameterReduction' | 'minMacReduction' | 'minSizeReduction' | 'maxFiltersFlipped'
>;

/**
 * The models to check, specs read. Overrides of the settings are applied after those of prunegate.yml.
 * @param cwd the folder to which flags and inputs are relative, and in which prunegate.yml is looked for; `workingDirectory` moves both.
 * @throws InputError for the first mistake in settings, prunegate.yml or a spec. Model files are not looked at.
 */
export function loadRequests(settings: Settings, cwd: string): readonly ModelRequest[] {
  return requestsOf(loadSources(settings, cwd), null);
}

/**
 * The models that prunegate.yml lists.
 * @throws InputError where there is none, and as loadRequests does
 */
export function loadPlanned(settings: Settings, cwd: string): readonly ModelRequest[] {
  const sources = loadSources(settings, cwd);
  if (sources.config.file === null) {
    const problem = `is required: there is no prunegate.yml in ${sources.base} whose models could be listed`;
    throw inputErrorAt(settingPlace(settings, 'config'), problem);
  }
  return requestsOf(sources, null);
}

/**
 * The one model of a command that takes no more.
 * @throws InputError where there are several, and as loadRequests does
 */
export function loadOnlyRequest(settings: Settings, cwd: string, command: string): ModelRequest {
  const [request, another] = loadRequests(settings, cwd);
  if (request === undefined || another !== undefined)
    throw new InputError(`${command} takes one model; choose it`, { key: '--model' });
  return request;
}

/**
 * The models to check, specs read.
 * @param bar what prunegate.yml has to ask for at least
 * @throws InputError for the first mistake
 */
export function requestsOf(sources: Sources, bar: Bar | null): readonly ModelRequest[] {
  const { settings, config } = sources;
  const models = chosen(settings, config);
  if (models.length > 1) refuseAmbiguous(settings, config);
  return models.map((model) => requestOf({ ...sources, model, bar }));
}

/**
 * What flags, inputs and prunegate.yml say of all models; the models themselves are not looked at.
 * @param bar what prunegate.yml has to ask for at least
 */
export function generalSettings(
  sources: Sources,
  bar: Bar | null,
): Pick<ModelSettings, 'annotations' | 'comment' | 'checkRun' | 'formats'> {
  return settingsOf({ ...sources, model: { name: null, entry: {}, path: [] }, bar });
}

function chosen(settings: Settings, { models }: Config): readonly ConfigModel[] {
  const { model } = settings;
  if (model === undefined) return models;
  const found = models.filter(({ name }) => name === model);
  if (found.length > 0) return found;
  const names = models.flatMap(({ name }) => name ?? []);
  const meant = nearest(model, names);
  const allowed =
    names.length === 0 ? 'names a model of prunegate.yml, and none has a name' : `must be one of ${names.join(', ')}`;
  const hint = meant === null ? '' : `: did you mean ${meant}?`;
  throw inputErrorAt(settingPlace(settings, 'model'), `${allowed}${hint}`, model);
}

/** What flags and inputs say of one model is ambiguous where there are several. */
function refuseAmbiguous(settings: Settings, { models, file }: Config): void {
  const [key] = ALL_SETTINGS.find(([one, { file: whose }]) => whose === 'model' && settings[one] !== undefined) ?? [];
  if (key === undefined) return;
  const names = models.map(({ name }) => name).join(', ');
  const option = settingName(settings.from, 'model');
  const problem = `is ambiguous: ${file?.path} has ${models.length} models; choose one with ${option} (${names})`;
  throw inputErrorAt(settingPlace(settings, key), problem, settings[key]);
}

/** Where the settings of one model come from. */
interface ModelSources extends Sources {
  readonly model: ConfigModel;
  readonly bar: Bar | null;
}

function requestOf(sources: ModelSources): ModelRequest {
  const { settings, base, config, model } = sources;
  const {
    spec: _,
    dense,
    overrides,
    exportCommand,
    pruneCommand,
    commands,
    timeoutMinutes,
    execute,
    ...values
  } = settingsOf(sources);
  if (dense === null) {
    const hint = config.file === null ? '' : ` or set dense in ${config.file.path}`;
    const problem = `is required: name the dense model with ${settingName(settings.from, 'dense')}${hint}`;
    throw inputErrorAt(placeIn(sources, 'dense'), problem);
  }
  const command = (key: 'exportCommand' | 'pruneCommand'): CommandRequest | null =>
    commands ? commandRequest(key, settings, base, config, model) : null;
  return {
    ...values,
    name: model.name,
    dense,
    spec: specOf(sources),
    commands: { export: command('exportCommand'), prune: command('pruneCommand') },
    again: flagsAgain(sources, dense),
    execution: demandOf(execute, settings),
    notes: sources.ignored.map(({ at, why }) => `${placeText(at)} is ignored: ${why}.`),
    policy: null,
    lockAtBase: null,
    siblings: config.models.map(({ name }) => name ?? 'model'),
    at: (key) => placeIn(sources, key),
  };
}

/** What flags or inputs said of the model; what prunegate.yml says is found there again. */
function flagsAgain({ settings, base, config, model }: ModelSources, dense: string): readonly string[] {
  const { config: named, spec, overrides = [], folding } = settings;
  const flag = (name: string, value: string | undefined): readonly string[] =>
    value === undefined ? [] : value.startsWith('-') ? [`--${name}=${value}`] : [`--${name}`, value];
  return [
    ...(named === false ? ['--no-config'] : flag('config', named === undefined ? named : config.file?.path)),
    ...flag('model', config.models.length > 1 ? (model.name ?? undefined) : undefined),
    ...flag('dense', settings.dense === undefined ? undefined : dense),
    ...flag('spec', spec === undefined ? undefined : openablePath(spec, base, settingPlace(settings, 'spec'))),
    ...overrides.flatMap((text) => flag('overrides', text)),
    ...flag('folding', folding),
  ];
}

function demandOf(execute: boolean | null, { from }: Settings): ExecutionDemand {
  if (execute === null) return from === 'inputs' ? 'tried' : 'none';
  return execute ? 'demanded' : 'none';
}

function settingsOf(sources: ModelSources): ModelSettings {
  const rows = Object.entries(MODEL_SETTINGS) as unknown as readonly [ModelSettingKey, Setting<unknown, unknown>][];
  return Object.fromEntries(rows.map(([key, row]) => [key, effective(key, row, sources)])) as unknown as ModelSettings;
}

/** What holds of one setting: what flags or inputs give, else what prunegate.yml says, else the default. */
function effective(
  key: ModelSettingKey,
  { kind, default: usual }: Setting<unknown, unknown>,
  sources: ModelSources,
): unknown {
  const { settings, base, config } = sources;
  const given = settings[key];
  if (given !== undefined) return kind.opened?.(given, base, () => settingPlace(settings, key)) ?? given;
  const { value: configured, path } = inFile(sources, key);
  const least = sources.bar?.(key, sources.model);
  if (configured === undefined) return raised(key, usual, least);
  const at = (keys: readonly (string | number)[]): Place => config.at([...path, ...keys]);
  const value = raised(key, kind.fromFile?.(configured, at) ?? configured, least);
  return kind.opened?.(value, config.folder, at) ?? value;
}

/** What prunegate.yml says of a setting, if it may stand there, and its path in it. */
function inFile({ config, model }: ModelSources, key: ModelSettingKey) {
  const { file }: Setting<unknown, unknown> = MODEL_SETTINGS[key] as Setting<unknown, unknown>;
  const name = fileKey(key);
  if (file === undefined) return { value: undefined, path: [] };
  return file === 'model'
    ? { value: model.entry[name], path: [...model.path, name] }
    : { value: config.entries[name], path: [name] };
}

function placeIn(sources: ModelSources, key: ModelSettingKey): Place {
  const { settings, config, model } = sources;
  const { value, path } = inFile(sources, key);
  // What none of several models says is looked for in the file.
  const isOfFile = value !== undefined || (config.file !== null && model.path.length > 0 && path.length > 0);
  return settings[key] === undefined && isOfFile ? config.at(path) : settingPlace(settings, key);
}

function specOf(sources: ModelSources): SpecDocument | null {
  const { settings, base, config } = sources;
  const at = placeIn(sources, 'spec');
  const { value: entry, path } = inFile(sources, 'spec');
  const listed = inFile(sources, 'overrides');
  const overrides = [
    ...((listed.value ?? []) as readonly string[]).map((text, i) => ({ text, place: config.at([...listed.path, i]) })),
    ...(settings.overrides ?? []).map((text) => ({ text, place: settingPlace(settings, 'overrides') })),
  ];
  if (settings.spec !== undefined)
    return specFromFile(readSpecYaml(openablePath(settings.spec, base, at), at), overrides);
  if (typeof entry === 'string')
    return specFromFile(readSpecYaml(openablePath(entry, config.folder, at), at), overrides);
  if (isMapping(entry) && config.file !== null) return specFromInline(entry, config.file, path, overrides);
  const [override] = overrides;
  if (override !== undefined) throw inputErrorAt(override.place, 'overrides a spec, but none is given', override.text);
  return null;
}
