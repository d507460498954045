export { InputError, type InputErrorDetails, oneLine, shown } from '../errors/input-error.ts';
export { formatPath, inputErrorAt, type KeyPath, type Locate, type Place } from '../errors/place.ts';
export { type Assignment, type Override, parseOverride } from './overrides.ts';
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
export { type SpecDocument, specFromFile, specFromInline } from './spec.ts';
export { type SchemaIssue, type Validator, validate } from './validate.ts';
export { type Mapping, nearest } from './values.ts';
export { parseYaml, type YamlFile } from './yaml.ts';
export { readYaml } from './yaml-file.ts';
