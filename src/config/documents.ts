import { modelNames } from './kinds.ts';
import { CONFIG_SCHEMA_ID } from './schema-id.ts';
import { ALL_SETTINGS, fileKey, type Setting, spelled, usualText } from './table/index.ts';
import type { Mapping } from './values.ts';

export { bashCompletion, fishCompletion } from './completions.ts';

/** Keys of one model beside the settings. */
const NAME: Mapping = {
  type: 'string',
  description: "a name that can be a folder: letters, digits, '.', '_' and '-', first a letter or digit, at most 100",
  pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$',
};

const COMMAND: Mapping = {
  type: 'object',
  description: 'A command that makes a model file.',
  required: ['run'],
  additionalProperties: false,
  properties: {
    run: { type: 'string', description: 'The command.', minLength: 1 },
    shell: { type: 'string', description: 'The shell that runs it.', minLength: 1 },
    'working-directory': { type: 'string', description: 'The folder in which it runs.', minLength: 1 },
    env: {
      type: 'object',
      description: 'Environment variables to add.',
      additionalProperties: { type: ['string', 'number', 'boolean'] },
    },
    'timeout-minutes': { type: 'number', description: 'It is ended after so many minutes.', exclusiveMinimum: 0 },
  },
};

/** The schema of prunegate.yml: schemas/config.schema.json, which scripts/build-settings.mjs writes. */
export function configSchema(): Mapping {
  const model = { name: NAME, ...propertiesOf('model') };
  const references = Object.keys(model).map((key) => [key, { $ref: `#/definitions/model/properties/${key}` }]);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: CONFIG_SCHEMA_ID,
    title: 'prunegate.yml',
    description:
      'What prunegate checks: one model (its keys at the top level) or several (under models). Paths are relative to this file.',
    type: 'object',
    additionalProperties: false,
    properties: {
      $schema: { type: 'string', description: 'For editors; ignored.' },
      models: {
        type: 'array',
        description: 'The models to check, one report each.',
        minItems: 1,
        items: { $ref: '#/definitions/model' },
      },
      ...Object.fromEntries(references),
      ...propertiesOf('all'),
    },
    definitions: {
      model: { type: 'object', required: ['name'], additionalProperties: false, properties: model },
      command: COMMAND,
    },
  };
}

function propertiesOf(whose: 'model' | 'all'): Mapping {
  const own = ALL_SETTINGS.filter(([, { file }]) => file === whose);
  return Object.fromEntries(own.map(([key, setting]) => [fileKey(key), property(setting)]));
}

function property(setting: Setting<unknown, unknown>): Mapping {
  const { schema } = setting.kind;
  // draft-07 ignores what stands beside $ref.
  if ('$ref' in schema) return schema;
  const { type, ...rest } = schema;
  const { default: usual } = setting;
  const isGiven = usual !== null && !(Array.isArray(usual) && usual.length === 0);
  return { type, description: description(setting), ...rest, ...(isGiven ? { default: usual } : {}) };
}

/** The inputs of action.yml. No default of ours stands there: the runner hands it over as if the user had written it, over prunegate.yml. */
export function actionInputs(): string {
  return inputs()
    .map(([key, setting]) => {
      const { actionDefault } = setting;
      const usual = actionDefault === undefined ? '' : `    default: \${{ ${actionDefault} }}\n`;
      return `  ${spelled(key)}:\n    description: ${yamlText(description(setting))}\n${usual}`;
    })
    .join('');
}

/** The inputs of action-types.yml, by which typed bindings of workflows are made (typesafegithub/github-actions-typing). */
export function inputTypes(): string {
  return inputs()
    .map(([key, { kind }]) => `  ${spelled(key)}:\n${indented(kind === modelNames ? { type: 'string' } : kind.schema)}`)
    .join('');
}

const TYPES: Readonly<Record<string, string>> = { boolean: 'boolean', number: 'float', array: 'list' };

/** A list's items stand on lines of their own, which every kind of list takes. */
function indented({ type, enum: allowed, items }: Mapping, margin = '    '): string {
  // Whatever prunegate.yml may hold instead, an input is text.
  const name = Array.isArray(allowed) ? 'enum' : (TYPES[String(type)] ?? 'string');
  const lines = [`${margin}type: ${name}\n`];
  if (Array.isArray(allowed))
    lines.push(`${margin}allowed-values:\n`, ...allowed.map((value) => `${margin}  - ${value}\n`));
  if (type === 'array')
    lines.push(`${margin}separator: "\\n"\n${margin}list-item:\n`, indented(items as Mapping, `${margin}  `));
  return lines.join('');
}

/** docs/action.md's table of inputs. */
export function inputsTable(): string {
  const rows = inputs().map(([key, setting]) => [code(spelled(key)), capital(setting.help), cell(setting)]);
  const lines = [['Input', 'Meaning', 'Default'], ['---', '---', '---'], ...rows];
  return lines.map((row) => `| ${row.join(' | ')} |\n`).join('');
}

function inputs(): typeof ALL_SETTINGS {
  return ALL_SETTINGS.filter(([, { input }]) => input === true);
}

/** What it does and what holds where it is not given, as plain sentences. */
function description(setting: Setting<unknown, unknown>): string {
  const usual = usualText(setting);
  const sentences = [capital(setting.help), ...(usual === null ? [] : [`Default: ${usual}`])];
  return `${sentences.join('. ')}.`.replaceAll('`', '');
}

function cell(setting: Setting<unknown, unknown>): string {
  const usual = usualText(setting) ?? '';
  return setting.otherwise === undefined && usual !== '' ? code(usual) : usual;
}

function capital(clause: string): string {
  return `${clause.charAt(0).toUpperCase()}${clause.slice(1)}`;
}

function code(text: string): string {
  return `\`${text}\``;
}

/** Quoted where YAML would read something else. */
function yamlText(text: string): string {
  return /: |:$| #|^[^A-Za-z]/.test(text) ? JSON.stringify(text) : text;
}
