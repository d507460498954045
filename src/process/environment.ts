type Environment = Readonly<Record<string, string | undefined>>;

/** Files through which a step acts on later ones (actions/runner FileCommandManager.cs, CreateArtifactsFileCommand.cs); they all lie in one folder. */
const FILE_COMMANDS = [
  ...['GITHUB_ENV', 'GITHUB_PATH', 'GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY'],
  // What a job says that it has built, and the list of it for those who attest it: since runner 2.336.
  ...['GITHUB_ARTIFACTS', 'GITHUB_ARTIFACTS_LIST'],
];
const FILE_COMMANDS_FOLDER = /[\\/]_runner_file_commands[\\/]/;
const TOKENS = ['GITHUB_TOKEN', 'GH_TOKEN', 'GITHUB_ENTERPRISE_TOKEN', 'GH_ENTERPRISE_TOKEN'];
/** The action's inputs; and ACTIONS_RUNTIME_TOKEN, ACTIONS_ID_TOKEN_REQUEST_TOKEN, ACTIONS_CACHE_URL and their like, to come ones too. */
const RUNNERS = /^(INPUT|ACTIONS)_/;

export interface ChildEnvironment {
  readonly env: Readonly<Record<string, string>>;
  /** Names of tokens that it does not have, for the log. */
  readonly withheld: readonly string[];
}

/**
 * The environment of a user's command: this process's without what acts on the runner or in the user's name. What the user names is passed all the
 * same; what he sets for the command wins.
 */
export function childEnvironment(
  env: Environment,
  passed: readonly string[],
  own: Readonly<Record<string, string>>,
): ChildEnvironment {
  const names = new Set(passed.map((name) => name.toUpperCase()));
  const token = env['INPUT_GITHUB-TOKEN'] ?? '';
  const child: Record<string, string> = {};
  const withheld: string[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue;
    const upper = name.toUpperCase();
    const isToken = TOKENS.includes(upper) || (token !== '' && value.includes(token));
    const isRunners = RUNNERS.test(upper) || FILE_COMMANDS.includes(upper) || FILE_COMMANDS_FOLDER.test(value);
    if (names.has(upper) || !(isToken || isRunners)) child[name] = value;
    else if (isToken && !isRunners) withheld.push(name);
  }
  // Python holds back what it prints into a pipe, and the log would show nothing for minutes.
  return { env: { PYTHONUNBUFFERED: '1', ...child, ...own }, withheld };
}
