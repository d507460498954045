import { flagsOf } from './flags.ts';
import { ALL_SETTINGS, COMMAND_NAMES, type CommandName, spelled } from './table/index.ts';

/** What a shell's completion is made of. */
interface Completed {
  readonly command: CommandName;
  readonly flags: readonly { readonly flag: string; readonly takes: string | null; readonly help: string }[];
}

const COMMANDS: readonly Completed[] = [...COMMAND_NAMES].toSorted().map((command) => ({
  command,
  flags: flagsOf(command).map(({ flags, help }) => {
    const [flag, takes] = flags.split(' ');
    return { flag: flag!, takes: takes ?? null, help };
  }),
}));

/** Flags whose value is one of several words. */
const CHOICES: readonly (readonly [string, readonly string[]])[] = ALL_SETTINGS.flatMap(([key, { kind, flag }]) => {
  const { enum: words } = kind.schema;
  return flag !== undefined && kind.placeholder !== null && Array.isArray(words) ? [[`--${spelled(key)}`, words]] : [];
});

const ORIGIN = '# Written by scripts/build-settings.mjs from src/config/table.';

/** For bash, and for zsh with its bashcompinit. */
export function bashCompletion(): string {
  const words = (list: readonly string[]): string => `COMPREPLY=($(compgen -W "${list.join(' ')}" -- "$word"))`;
  return `${ORIGIN}
# bash: source this file. zsh: autoload -U bashcompinit && bashcompinit, then source it.
_prunegate() {
  local word=\${COMP_WORDS[COMP_CWORD]}
  if [ "$COMP_CWORD" -eq 1 ]; then
    ${words([...COMMANDS.map(({ command }) => command), '--help', '--version'])}
    return
  fi
  case \${COMP_WORDS[COMP_CWORD - 1]} in
${CHOICES.map(([flag, values]) => `    ${flag})\n      ${words(values)}\n      return\n      ;;\n`).join('')}  esac
  case "\${COMP_WORDS[1]} $word" in
${COMMANDS.map(({ command, flags }) => `    "${command} -"*)\n      ${words(flags.map(({ flag }) => flag))}\n      ;;\n`).join('')}    *) COMPREPLY=($(compgen -f -- "$word")) ;;
  esac
}
complete -o filenames -F _prunegate prunegate
`;
}

/** For fish: a line for each flag, with the commands that take it. */
export function fishCompletion(): string {
  const choices = new Map(CHOICES);
  const quoted = (text: string): string => `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
  const flags = new Map(COMMANDS.flatMap(({ flags: own }) => own.map((one) => [one.flag, one] as const)));
  const lines = [...flags.values()].map(({ flag, takes, help }) => {
    const takers = COMMANDS.filter(({ flags: own }) => own.some((one) => one.flag === flag));
    const seen = quoted(`__fish_seen_subcommand_from ${takers.map(({ command }) => command).join(' ')}`);
    const values = choices.get(flag);
    const value = values === undefined ? (takes === null ? '' : ' -r') : ` -x -a ${quoted(values.join(' '))}`;
    return `complete -c prunegate -n ${seen} -l ${flag.slice(2)}${value} -d ${quoted(help)}`;
  });
  const commands = COMMANDS.map(({ command }) => command).join(' ');
  return [
    ORIGIN,
    '# Copy this file to ~/.config/fish/completions.',
    `complete -c prunegate -n __fish_use_subcommand -a ${quoted(commands)}`,
    ...lines,
    '',
  ].join('\n');
}
