import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { settingsFromInputs } from '../../src/config/index.ts';
import { OUTPUTS } from '../../src/github/outputs.ts';

const root = join(import.meta.dirname, '../..');
const read = (file: string): string => (existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : '');

interface Described {
  readonly description?: string;
  readonly default?: unknown;
}

const action: {
  readonly inputs: Readonly<Record<string, Described>>;
  readonly outputs: Readonly<Record<string, Described>>;
  readonly runs: { readonly using: string; readonly main: string };
} = parse(read('action.yml'));
const inputs = Object.keys(action.inputs);
const outputs = Object.keys(action.outputs);

/** What the first column of docs/action.md's table names, in its order: the table whose head starts with the cell `title`. */
function namesInPage(title: string): string[] {
  const lines = read('docs/action.md').split('\n');
  const head = lines.findIndex((line) => new RegExp(`^\\| *${title} *\\|`).test(line));
  if (head < 0) throw new Error(`docs/action.md has no table of ${title}`);
  const rows = lines.slice(head + 2);
  const end = rows.findIndex((line) => !line.startsWith('|'));
  return rows.slice(0, end < 0 ? rows.length : end).map((row) => /^\| *`([^`]+)` *\|/.exec(row)?.[1] ?? row);
}

describe('action.yml', () => {
  it('has the inputs of docs/action.md, in its order', () => {
    expect(inputs).toEqual(namesInPage('Input'));
  });

  it('has a type for each input and output in action-types.yml', () => {
    const types: Readonly<Record<'inputs' | 'outputs', Readonly<Record<string, { readonly type: string }>>>> = parse(
      read('action-types.yml'),
    );
    expect(Object.keys(types.inputs)).toEqual(inputs);
    expect(Object.keys(types.outputs)).toEqual(outputs);
    const known = ['string', 'boolean', 'integer', 'float', 'list', 'enum'];
    for (const [name, { type }] of [...Object.entries(types.inputs), ...Object.entries(types.outputs)])
      expect(known, `${name}: ${type}`).toContain(type);
    expect(types.inputs['dense']).toEqual({ type: 'string' });
    expect(types.inputs['comment']).toEqual({ type: 'enum', 'allowed-values': ['always', 'on-failure', 'never'] });
    expect(types.inputs['tolerance']).toEqual({ type: 'float' });
    expect(types.inputs['prune-command']).toEqual({ type: 'string' });
  });

  it('has the outputs of docs/action.md, in its order', () => {
    expect(outputs).toEqual(namesInPage('Output'));
  });

  it('has no input that the action does not read', () => {
    const asked = new Set<string>();
    settingsFromInputs((name) => {
      asked.add(name);
      return '';
    });
    expect(inputs.filter((name) => !asked.has(name))).toEqual([]);
  });

  it('has the outputs that the action may set, and no other', () => {
    expect(outputs).toEqual(OUTPUTS);
  });

  it('has no defaults that would win over prunegate.yml', () => {
    expect(inputs.filter((name) => action.inputs[name]?.default !== undefined)).toEqual(['github-token']);
  });

  it('describes every input and output, in kebab-case', () => {
    for (const [name, { description }] of Object.entries({ ...action.inputs, ...action.outputs })) {
      expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
      expect(description ?? '', name).toMatch(/\S.*\.$/);
    }
  });

  it('starts a bundle that is there, on a runtime that runners know', () => {
    expect(action.runs.using).toBe('node24');
    expect(existsSync(join(root, action.runs.main))).toBe(true);
  });
});
