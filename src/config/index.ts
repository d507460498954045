export { InputError, type InputErrorDetails, oneLine, shown } from './errors.ts';
export { type Assignment, type Override, parseOverride } from './overrides.ts';
export { formatPath, inputErrorAt, type KeyPath, type Locate, type Place } from './place.ts';
export {
  type CommandRequest,
  type ExecutionRequest,
  type Gates,
  loadConfigEntries,
  loadRequests,
  type ModelKey,
  type ModelRequest,
} from './requests.ts';
export {
  COMMENTS,
  type CommentPolicy,
  FAIL_ON,
  type FailOn,
  FOLDINGS,
  FORMATS,
  type Folding,
  type Format,
  type InputShape,
  MODES,
  type Mode,
  PROVIDERS,
  type ProviderChoice,
  type Settings,
  type SettingsOrigin,
  settingName,
  settingsFromFlags,
  settingsFromInputs,
} from './settings.ts';
export { loadSpec, type SpecDocument, specFromInline } from './spec.ts';
export { type SchemaIssue, type Validator, validate } from './validate.ts';
export { type Mapping, nearest } from './values.ts';
export { parseYaml, readYaml, type YamlFile } from './yaml.ts';
