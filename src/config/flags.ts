import { ALL_SETTINGS, type CommandName, type Setting, type SettingKey, spelled, usualText } from './table/index.ts';

/** A flag as a command-line parser declares it. */
export interface Flag {
  readonly key: SettingKey;
  /** `--dense <file>`, `--no-commands`. */
  readonly flags: string;
  /** For `--help`. */
  readonly help: string;
  readonly isRequired: boolean;
}

/** The flags of a command, in the order of the table. */
export function flagsOf(command: CommandName): readonly Flag[] {
  return ALL_SETTINGS.filter(([, { flag }]) => flag?.includes(command) === true).flatMap(([key, setting]) => {
    const one = { key, isRequired: setting.isRequired === true };
    const positive = { ...one, flags: `--${spelled(key)}${valueIn(setting)}`, help: helpOf(setting) };
    const negative = (help: string) => ({ ...one, flags: `--no-${spelled(key)}`, help });
    if (setting.negation === 'only') return [negative(helpOf(setting))];
    return setting.negation === 'too'
      ? [positive, negative(setting.negationHelp ?? 'do not, whatever prunegate.yml says')]
      : [positive];
  });
}

function valueIn({ kind: { placeholder } }: Setting<unknown, unknown>): string {
  return placeholder === null ? '' : ` <${placeholder}>`;
}

function helpOf(setting: Setting<unknown, unknown>): string {
  const usual = setting.kind.placeholder === null && setting.otherwise === undefined ? null : usualText(setting);
  return `${setting.help}${usual === null ? '' : ` (default: ${usual})`}`.replaceAll('`', '');
}
