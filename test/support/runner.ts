/**
 * A step's log as the runner reads it: what is obeyed, what is shown, which annotations survive. Rules and limits of actions/runner, by file:
 * ProcessInvoker.cs (lines), OutputManager.cs, ActionCommand.cs (syntax), ActionCommandManager.cs (commands), ExecutionContext.cs (issues).
 */

export type Level = 'error' | 'warning' | 'notice';

/** An annotation as it reaches the pull request. */
export interface Annotation {
  readonly level: Level;
  readonly message: string;
  readonly title: string | null;
  readonly file: string | null;
  readonly line: number | null;
  readonly endLine: number | null;
}

export interface StepLog {
  /** Those that survive: the first ten of each level. */
  readonly annotations: readonly Annotation[];
  /** Those over the limit, which nobody sees outside the log. */
  readonly dropped: readonly Annotation[];
  /** Every command that was obeyed, in order. */
  readonly obeyed: readonly Command[];
  /** Secrets that the step registered. */
  readonly masks: readonly string[];
  /** What the log page shows, secrets masked; groups as `##[group]title` and `##[endgroup]`. */
  readonly shown: readonly string[];
  readonly groups: readonly Group[];
  /** A group that was never closed, or commands that were never resumed. */
  readonly isLeftOpen: boolean;
}

export interface Group {
  readonly title: string;
  readonly lines: readonly string[];
}

export interface Command {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly data: string;
}

/** ActionCommandManager.cs; internal-set-repo-path is not registered for actions. */
const REGISTERED = [
  ...['add-mask', 'add-matcher', 'add-path', 'debug', 'echo', 'endgroup', 'error', 'group', 'notice', 'remove-matcher'],
  ...['save-state', 'set-env', 'set-output', 'stop-commands', 'warning'],
];
const MAX_ISSUES_PER_LEVEL = 10;
const MAX_MESSAGE = 4096;

/** What .NET's TrimStart takes off: unlike JavaScript's, it counts NEL and not the byte order mark. */
const LEADING_SPACE = /^[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;

interface State {
  readonly registered: Set<string>;
  stopToken: string | null;
}

/** @param streams everything that the step wrote to stdout and stderr: the runner obeys either. */
export function readStepLog(...streams: readonly string[]): StepLog {
  const state: State = { registered: new Set(REGISTERED), stopToken: null };
  const issues: Annotation[] = [];
  const obeyed: Command[] = [];
  const masks: string[] = [];
  const shown: string[] = [];
  for (const line of streams.flatMap(linesOf)) {
    const command = obeyedCommand(line, state);
    if (command === null) shown.push(line);
    else {
      obeyed.push(command);
      if (command.name === 'add-mask' && command.data.trim() !== '') masks.push(command.data);
      else if (isLevel(command.name)) issues.push(annotationOf(command.name, command));
      shown.push(...shownFor(command, line));
    }
  }
  const masked = shown.map((line) => masks.reduce((text, secret) => text.replaceAll(secret, '***'), line));
  const { groups, isOpen } = groupsOf(masked);
  return {
    ...limited(issues),
    obeyed,
    masks,
    shown: masked,
    groups,
    isLeftOpen: isOpen || state.stopToken !== null,
  };
}

/** StreamReader.ReadLine: LF, CR or both end a line; what follows the last one is a line only if there is any. */
function linesOf(stream: string): readonly string[] {
  const lines = stream.split(/\r\n|\n|\r/);
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

/** The command that the runner obeys on this line, or null for a line that it only shows. */
function obeyedCommand(line: string, state: State): Command | null {
  const command = modern(line, state.registered) ?? legacy(line, state.registered);
  if (command === null) return null;
  if (state.stopToken !== null) {
    if (command.name.toLowerCase() !== state.stopToken.toLowerCase()) return null;
    state.registered.delete(state.stopToken.toLowerCase());
    state.stopToken = null;
  } else if (command.name === 'stop-commands') {
    state.stopToken = command.data;
    state.registered.add(command.data.toLowerCase());
  }
  return command;
}

/** `::name key=value,key=value::data`, at the start of a line after white space. */
function modern(line: string, registered: ReadonlySet<string>): Command | null {
  const text = line.replace(LEADING_SPACE, '');
  const end = text.indexOf('::', 2);
  if (!text.startsWith('::') || end < 0) return null;
  return parsed(text.slice(2, end), ',', text.slice(end + 2), registered, {
    property: unescaping(['%0D', '%0A', '%3A', '%2C', '%25']),
    data: unescaping(['%0D', '%0A', '%25']),
  });
}

/** `##[name key=value;key=value]data`, anywhere in a line. */
function legacy(line: string, registered: ReadonlySet<string>): Command | null {
  const start = line.indexOf('##[');
  const end = start < 0 ? -1 : line.indexOf(']', start);
  if (end < 0) return null;
  const unescaped = unescaping(['%3B', '%0D', '%0A', '%5D', '%25']);
  return parsed(line.slice(start + 3, end), ';', line.slice(end + 1), registered, {
    property: unescaped,
    data: unescaped,
  });
}

type Unescape = (text: string) => string;

function unescaping(escapes: readonly string[]): Unescape {
  return (text) => escapes.reduce((result, code) => result.replaceAll(code, decodeURIComponent(code)), text);
}

function parsed(
  info: string,
  separator: string,
  data: string,
  registered: ReadonlySet<string>,
  unescaping: { readonly property: Unescape; readonly data: Unescape },
): Command | null {
  const space = info.indexOf(' ');
  const name = (space < 0 ? info : info.slice(0, space)).toLowerCase();
  if (!registered.has(name)) return null;
  const properties: Record<string, string> = {};
  for (const pair of space > 0
    ? info
        .slice(space + 1)
        .trim()
        .split(separator)
    : []) {
    const equals = pair.indexOf('=');
    if (equals > 0 && equals < pair.length - 1)
      properties[pair.slice(0, equals)] = unescaping.property(pair.slice(equals + 1));
  }
  return { name, properties, data: unescaping.data(data) };
}

function isLevel(name: string): name is Level {
  return name === 'error' || name === 'warning' || name === 'notice';
}

function annotationOf(level: Level, { properties, data }: Command): Annotation {
  const number = (text: string | undefined): number | null => (/^\d+$/.test(text ?? '') ? Number(text) : null);
  const line = number(properties['line']);
  return {
    level,
    message: data.slice(0, MAX_MESSAGE),
    title: properties['title'] ?? null,
    file: properties['file'] ?? null,
    line,
    endLine: number(properties['endLine']) ?? line,
  };
}

function limited(issues: readonly Annotation[]): Pick<StepLog, 'annotations' | 'dropped'> {
  const isKept = (issue: Annotation, index: number): boolean =>
    issues.slice(0, index).filter(({ level }) => level === issue.level).length < MAX_ISSUES_PER_LEVEL;
  return { annotations: issues.filter(isKept), dropped: issues.filter((issue, index) => !isKept(issue, index)) };
}

function shownFor({ name, data }: Command, line: string): readonly string[] {
  if (name === 'group') return [`##[group]${data}`];
  if (name === 'endgroup') return ['##[endgroup]'];
  if (isLevel(name)) return data === '' ? [] : `##[${name}]${data}`.split('\n');
  return REGISTERED.includes(name) && name !== 'stop-commands' ? [] : [line];
}

function groupsOf(shown: readonly string[]): { readonly groups: readonly Group[]; readonly isOpen: boolean } {
  const groups: Group[] = [];
  let open: { title: string; lines: string[] } | null = null;
  for (const line of shown) {
    const title = /^##\[group\](.*)$/.exec(line)?.[1];
    if (title !== undefined) {
      if (open !== null) groups.push(open);
      open = { title, lines: [] };
    } else if (line === '##[endgroup]') {
      if (open !== null) groups.push(open);
      open = null;
    } else open?.lines.push(line);
  }
  return { groups: open === null ? groups : [...groups, open], isOpen: open !== null };
}
