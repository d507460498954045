import { describe, expect, it } from 'vitest';
import { childEnvironment } from '../../src/process/environment.ts';

const TOKEN = 'ghs_0123456789abcdefghijklmnopqrstuvwxyz';
const COMMANDS = '/runner/_work/_temp/_runner_file_commands';

/** What the runner hands a step, and what a GPU machine has. */
const RUNNER = {
  PATH: '/usr/bin',
  HOME: '/home/runner',
  CI: 'true',
  CUDA_VISIBLE_DEVICES: '1',
  NVIDIA_VISIBLE_DEVICES: 'all',
  GITHUB_ACTIONS: 'true',
  GITHUB_SHA: 'f'.repeat(40),
  GITHUB_EVENT_PATH: '/runner/_work/_temp/_github_workflow/event.json',
  RUNNER_TEMP: '/runner/_work/_temp',
  // The runner ends what is left of a job by this.
  RUNNER_TRACKING_ID: 'github_8c1f',
};

const SECRETS = {
  GITHUB_TOKEN: TOKEN,
  GH_TOKEN: 'ghp_another',
  MINE: `Bearer ${TOKEN}`,
  'INPUT_GITHUB-TOKEN': TOKEN,
  INPUT_DENSE: 'out/dense.onnx',
  ACTIONS_RUNTIME_TOKEN: 'eyJ0eXAi',
  ACTIONS_RUNTIME_URL: 'https://pipelines.actions.githubusercontent.com/x/',
  ACTIONS_CACHE_URL: 'https://artifactcache.actions.githubusercontent.com/x/',
  ACTIONS_RESULTS_URL: 'https://results-receiver.actions.githubusercontent.com/',
  ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'eyJ0eXAi',
  ACTIONS_ID_TOKEN_REQUEST_URL: 'https://run-actions-1.actions.githubusercontent.com/',
  GITHUB_ENV: `${COMMANDS}/set_env_1`,
  GITHUB_PATH: `${COMMANDS}/add_path_1`,
  GITHUB_OUTPUT: `${COMMANDS}/set_output_1`,
  GITHUB_STATE: `${COMMANDS}/save_state_1`,
  GITHUB_STEP_SUMMARY: `${COMMANDS}/step_summary_1`,
  GITHUB_ARTIFACTS: `${COMMANDS}/artifacts_1`,
  GITHUB_ARTIFACTS_LIST: `${COMMANDS}/artifacts_list_1`,
  // Whatever a newer runner adds.
  GITHUB_NEXT: `${COMMANDS}/next_1`,
  GITHUB_WINDOWS: 'D:\\a\\_temp\\_runner_file_commands\\next_1',
};

describe('childEnvironment', () => {
  it('has no token, no input, no runtime secret and no file that acts on later steps', () => {
    const { env, withheld } = childEnvironment({ ...RUNNER, ...SECRETS }, [], {});
    expect(env).toEqual({ ...RUNNER, PYTHONUNBUFFERED: '1' });
    expect(withheld).toEqual(['GITHUB_TOKEN', 'GH_TOKEN', 'MINE']);
  });

  it('has none of those files by name, wherever a runner puts them', () => {
    const files = Object.keys(SECRETS).filter((name) =>
      /^GITHUB_(ENV|PATH|OUTPUT|STATE|STEP_SUMMARY|ARTIFACTS.*)$/.test(name),
    );
    expect(files).toHaveLength(7);
    const elsewhere = Object.fromEntries(files.map((name) => [name, `/elsewhere/${name}`]));
    expect(childEnvironment({ ...RUNNER, ...elsewhere }, [], {}).env).toEqual({ ...RUNNER, PYTHONUNBUFFERED: '1' });
  });

  it('has what the user names, and no more', () => {
    const { env, withheld } = childEnvironment({ ...RUNNER, ...SECRETS }, ['gh_token', 'GITHUB_ENV', 'NOT_THERE'], {});
    expect(env).toEqual({
      ...RUNNER,
      PYTHONUNBUFFERED: '1',
      GH_TOKEN: SECRETS.GH_TOKEN,
      GITHUB_ENV: SECRETS.GITHUB_ENV,
    });
    expect(withheld).toEqual(['GITHUB_TOKEN', 'MINE']);
  });

  it("lets the command's own variables win", () => {
    const own = { GITHUB_TOKEN: 'given', PATH: '/opt/bin', PYTHONUNBUFFERED: '' };
    expect(childEnvironment({ ...RUNNER, ...SECRETS }, [], own).env).toMatchObject(own);
  });
});
