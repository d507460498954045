export type { CommandRequest } from './command-requests.ts';
export { type Config, configOf } from './config-file.ts';
export { type Flag, flagsOf } from './flags.ts';
export type { InputShape } from './kinds.ts';
export { type Assignment, type Override, parseOverride } from './overrides.ts';
export {
  type Bar,
  barOf,
  defaultBar,
  isByInputs,
  onlyStricter,
  type PolicyChange,
  type PolicyComparison,
  policyChanges,
  weakenings,
} from './policy.ts';
export { type RequestData, requestData, requestOfData } from './request-data.ts';
export {
  type ExecutionDemand,
  type ExecutionRequest,
  type Gates,
  generalSettings,
  loadOnlyRequest,
  loadPlanned,
  loadRequests,
  type ModelRequest,
  PATH_SETTINGS,
  requestsOf,
} from './requests.ts';
export { CONFIG_SCHEMA_ID } from './schema-id.ts';
export {
  type Settings,
  type SettingsOrigin,
  settingName,
  settingPlace,
  settingsFromFlags,
  settingsFromInputs,
} from './settings.ts';
export { loadSources, type Sources } from './sources.ts';
export { type SpecDocument, specFromFile, specFromInline } from './spec.ts';
export type {
  CommandName,
  CommentPolicy,
  FailOn,
  Folding,
  Format,
  ModelSettingKey,
  ProviderChoice,
} from './table/index.ts';
export { type SchemaIssue, type Validator, validate } from './validate.ts';
export { type Mapping, nearest } from './values.ts';
export { parseYaml, parseYamlUnder, type YamlFile } from './yaml.ts';
export { readSpecYaml, readYaml } from './yaml-file.ts';
