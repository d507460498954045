import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { inputErrorAt, type Place } from '../errors/place.ts';
import { type CommandEntry, type Config, type ConfigModel, loadConfig } from './config-file.ts';
import type { Override } from './overrides.ts';
import { openablePath } from './paths.ts';
import {
  type CommentPolicy,
  type FailOn,
  FORMATS,
  type Folding,
  type Format,
  type InputShape,
  inputShape,
  type ProviderChoice,
  type Settings,
  settingName,
} from './settings.ts';
import { type SpecDocument, specFromFile, specFromInline } from './spec.ts';
import { isMapping, nearest } from './values.ts';
import { readYaml } from './yaml-file.ts';

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

/** One model to check: flags or inputs over prunegate.yml over defaults. Paths can be opened from the process's folder. */
export interface ModelRequest {
  /** The name in prunegate.yml; null where it has none. */
  readonly name: string | null;
  readonly dense: string;
  readonly denseFolded: string | null;
  readonly pruned: string | null;
  readonly spec: SpecDocument | null;
  readonly reported: string | null;
  readonly lock: string | null;
  readonly folding: Folding | null;
  readonly commands: { readonly export: CommandRequest | null; readonly prune: CommandRequest | null };
  readonly failOn: readonly FailOn[];
  readonly warnOnly: boolean;
  readonly reportDir: string | null;
  readonly format: Format;
  readonly annotations: boolean;
  /** Relative distance within which a retrained filter still counts as the dense one; null where only equal bits count. */
  readonly tolerance: number | null;
  readonly execution: ExecutionRequest;
  readonly gates: Gates;
  /** Names of secret or runner variables that the commands may see all the same. */
  readonly passEnv: readonly string[];
  readonly allowUntrustedCommands: boolean;
  readonly comment: CommentPolicy;
  readonly checkRun: boolean;
  /** Where a file of this model was named: flag, input or line of prunegate.yml; for one that was not, where it could be. */
  at(key: ModelKey): Place;
}

/** Whether and how both models are executed. */
export interface ExecutionRequest {
  /** The action executes unless told not to; the command line's check only when asked. */
  readonly isWanted: boolean;
  readonly provider: ProviderChoice;
  readonly requireGpu: boolean;
  /** Folder of an onnxruntime-node package; null to look for one. */
  readonly runtime: string | null;
  /** Files of input tensors (.npy, .npz), besides those that are made. */
  readonly inputs: readonly string[];
  readonly shapes: readonly InputShape[];
}

/** What pruning must have bought; null where nothing is asked. */
export interface Gates {
  /** Latency of the pruned model over that of the dense one, at most. */
  readonly maxLatencyRatio: number | null;
  /** Share of the dense model's parameters, multiply-accumulates and bytes that must be gone, 0 to 1. */
  readonly minParameterReduction: number | null;
  readonly minMacReduction: number | null;
  readonly minSizeReduction: number | null;
}

/** The files of a model, as Settings names them. */
export type ModelKey = 'dense' | 'denseFolded' | 'pruned' | 'spec' | 'reported' | 'lockFile' | 'inputs';

/** What settings say of one model: ambiguous where there are several. */
const MODEL_SETTINGS = [
  'dense',
  'denseFolded',
  'pruned',
  'spec',
  'overrides',
  'reported',
  'lockFile',
  'folding',
  'exportCommand',
  'pruneCommand',
  'tolerance',
  'inputs',
  'inputShapes',
  'maxLatencyRatio',
  'minParameterReduction',
  'minMacReduction',
  'minSizeReduction',
] as const satisfies readonly (keyof Settings)[];

const CONFIG_KEYS = {
  dense: 'dense',
  denseFolded: 'dense-folded',
  pruned: 'pruned',
  spec: 'spec',
  reported: 'reported',
  lockFile: 'lock',
  inputs: 'inputs',
} as const satisfies Record<ModelKey, string>;

/**
 * The models to check, specs read. Overrides of the settings are applied after those of prunegate.yml.
 * @param cwd the folder to which flags and inputs are relative, and in which prunegate.yml is looked for; `workingDirectory` moves both.
 * @throws InputError for the first mistake in settings, prunegate.yml or a spec. Model files are not looked at.
 */
export function loadRequests(settings: Settings, cwd: string): readonly ModelRequest[] {
  const base = workingFolder(settings, cwd);
  const config = loadConfig(settings.config, base, placeOf(settings, 'config'));
  const models = chosen(settings, config);
  if (models.length > 1) refuseAmbiguous(settings, config);
  return models.map((model) => requestOf(settings, base, config, model));
}

/** What prunegate.yml says of all models, defaults filled in; the models themselves are not looked at. */
export function loadConfigEntries(settings: Settings, cwd: string): Config['entries'] {
  return loadConfig(settings.config, workingFolder(settings, cwd), placeOf(settings, 'config')).entries;
}

function workingFolder(settings: Settings, cwd: string): string {
  if (settings.workingDirectory === undefined) return resolve(cwd);
  const place = placeOf(settings, 'workingDirectory');
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

function chosen(settings: Settings, { models }: Config): readonly ConfigModel[] {
  const { model } = settings;
  if (model === undefined) return models;
  const found = models.filter(({ entry }) => entry.name === model);
  if (found.length > 0) return found;
  const names = models.flatMap(({ entry }) => entry.name ?? []);
  const meant = nearest(model, names);
  const allowed =
    names.length === 0 ? 'names a model of prunegate.yml, and none has a name' : `must be one of ${names.join(', ')}`;
  throw inputErrorAt(
    placeOf(settings, 'model'),
    meant === null ? allowed : `${allowed}: did you mean ${meant}?`,
    model,
  );
}

function refuseAmbiguous(settings: Settings, { models, file }: Config): void {
  const key = MODEL_SETTINGS.find((one) => settings[one] !== undefined);
  if (key === undefined) return;
  const names = models.map(({ entry }) => entry.name).join(', ');
  const option = settingName(settings.from, 'model');
  const problem = `is ambiguous: ${file?.path} has ${models.length} models; choose one with ${option} (${names})`;
  throw inputErrorAt(placeOf(settings, key), problem, settings[key]);
}

function requestOf(settings: Settings, base: string, config: Config, model: ConfigModel): ModelRequest {
  const { entry, path } = model;
  const at = (key: ModelKey): Place => {
    const configured = config.file !== null && (path.length > 0 || entry[CONFIG_KEYS[key]] !== undefined);
    return settings[key] === undefined && configured ? config.at([...path, CONFIG_KEYS[key]]) : placeOf(settings, key);
  };
  const file = (key: Exclude<ModelKey, 'spec' | 'inputs'>): string | null => {
    const given = settings[key];
    if (given !== undefined) return openablePath(given, base, at(key));
    const configured = entry[CONFIG_KEYS[key]];
    return configured === undefined ? null : openablePath(configured, config.folder, at(key));
  };
  const dense = file('dense');
  if (dense === null) {
    const hint = config.file === null ? '' : ` or set dense in ${config.file.path}`;
    throw inputErrorAt(
      at('dense'),
      `is required: name the dense model with ${settingName(settings.from, 'dense')}${hint}`,
    );
  }
  const folder = (key: 'reportDir' | 'onnxruntime', configured: string | undefined, name: string): string | null => {
    const given = settings[key];
    if (given !== undefined) return openablePath(given, base, placeOf(settings, key));
    return configured === undefined ? null : openablePath(configured, config.folder, config.at([name]));
  };
  const { entries } = config;
  return {
    name: entry.name ?? null,
    dense,
    denseFolded: file('denseFolded'),
    pruned: file('pruned'),
    spec: specOf(settings, base, config, model, at('spec')),
    reported: file('reported'),
    lock: file('lockFile'),
    folding: settings.folding ?? entry.folding ?? null,
    commands: {
      export: command(settings, base, config, model, 'export'),
      prune: command(settings, base, config, model, 'prune'),
    },
    failOn: settings.failOn ?? entries['fail-on'],
    warnOnly: settings.warnOnly ?? entries['warn-only'],
    reportDir: folder('reportDir', entries['report-dir'], 'report-dir'),
    format: settings.format ?? FORMATS[0],
    annotations: settings.annotations ?? entries.annotations,
    tolerance: settings.tolerance ?? entry.tolerance ?? null,
    execution: {
      isWanted: settings.execute ?? entries.execute ?? settings.from === 'inputs',
      provider: settings.executionProvider ?? entries['execution-provider'],
      requireGpu: settings.requireGpu ?? entries['require-gpu'],
      runtime: folder('onnxruntime', entries.onnxruntime, 'onnxruntime'),
      inputs: inputFiles(settings, base, config, model),
      shapes: settings.inputShapes ?? configuredShapes(config, model),
    },
    gates: {
      maxLatencyRatio: settings.maxLatencyRatio ?? entry['max-latency-ratio'] ?? null,
      minParameterReduction: settings.minParameterReduction ?? entry['min-parameter-reduction'] ?? null,
      minMacReduction: settings.minMacReduction ?? entry['min-mac-reduction'] ?? null,
      minSizeReduction: settings.minSizeReduction ?? entry['min-size-reduction'] ?? null,
    },
    // Not in prunegate.yml, which an untrusted pull request can edit where it cannot edit the workflow.
    passEnv: settings.passEnv ?? [],
    allowUntrustedCommands: settings.allowUntrustedCommands ?? false,
    comment: settings.comment ?? entries.comment,
    checkRun: settings.checkRun ?? entries['check-run'],
    at,
  };
}

function inputFiles(settings: Settings, base: string, config: Config, { entry, path }: ConfigModel): readonly string[] {
  if (settings.inputs !== undefined)
    return settings.inputs.map((file) => openablePath(file, base, placeOf(settings, 'inputs')));
  return (entry.inputs ?? []).map((file, i) => openablePath(file, config.folder, config.at([...path, 'inputs', i])));
}

function configuredShapes(config: Config, { entry, path }: ConfigModel): readonly InputShape[] {
  return (entry['input-shapes'] ?? []).map((item, i) => inputShape(item, config.at([...path, 'input-shapes', i])));
}

function specOf(
  settings: Settings,
  base: string,
  config: Config,
  { entry, path }: ConfigModel,
  at: Place,
): SpecDocument | null {
  const overrides: readonly Override[] = [
    ...(entry.overrides ?? []).map((text, i) => ({ text, place: config.at([...path, 'overrides', i]) })),
    ...(settings.overrides ?? []).map((text) => ({ text, place: placeOf(settings, 'overrides') })),
  ];
  if (settings.spec !== undefined) return specFromFile(readYaml(openablePath(settings.spec, base, at), at), overrides);
  if (typeof entry.spec === 'string')
    return specFromFile(readYaml(openablePath(entry.spec, config.folder, at), at), overrides);
  if (isMapping(entry.spec) && config.file !== null)
    return specFromInline(entry.spec, config.file, [...path, 'spec'], overrides);
  const [override] = overrides;
  if (override !== undefined) throw inputErrorAt(override.place, 'overrides a spec, but none is given', override.text);
  return null;
}

function command(
  settings: Settings,
  base: string,
  config: Config,
  { entry, path }: ConfigModel,
  kind: 'export' | 'prune',
): CommandRequest | null {
  const key = kind === 'export' ? 'exportCommand' : 'pruneCommand';
  const given = settings[key];
  const timeout = settings.timeoutMinutes ?? null;
  if (given !== undefined) {
    return {
      run: given,
      shell: null,
      workingDirectory: base,
      env: {},
      timeoutMinutes: timeout,
      at: placeOf(settings, key),
    };
  }
  const configured: CommandEntry | undefined = entry[kind];
  if (configured === undefined) return null;
  const folder = configured['working-directory'];
  return {
    run: configured.run,
    shell: configured.shell ?? null,
    workingDirectory:
      folder === undefined
        ? config.folder
        : openablePath(folder, config.folder, config.at([...path, kind, 'working-directory'])),
    env: Object.fromEntries(
      Object.entries(configured.env ?? {}).map(([name, value]) => [
        name,
        config.file?.sourceOf([...path, kind, 'env', name]) ?? String(value),
      ]),
    ),
    timeoutMinutes: timeout ?? configured['timeout-minutes'] ?? null,
    at: config.at([...path, kind]),
  };
}

function placeOf(settings: Settings, key: Exclude<keyof Settings, 'from'>): Place {
  return { file: null, line: null, key: settingName(settings.from, key) };
}
