import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { CommandRequest } from '../../src/config/index.ts';
import { runCommands } from '../../src/process/index.ts';
import { command, QUICK, recorded } from './support.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'prunegate-commands-'));
});

interface Asked {
  readonly export?: CommandRequest;
  readonly prune?: CommandRequest;
  readonly denseFolded?: string;
  readonly reported?: string;
}

async function run({ export: exporting, prune, ...files }: Asked, env: Record<string, string> = {}) {
  const log = recorded();
  const request = {
    commands: { export: exporting ?? null, prune: prune ?? null },
    passEnv: [],
    dense: join(folder, 'dense'),
    pruned: join(folder, 'pruned'),
    denseFolded: files.denseFolded === undefined ? null : join(folder, files.denseFolded),
    reported: files.reported === undefined ? null : join(folder, files.reported),
    at: (key: string) => ({ file: null, line: null, key: `input ${key}` }),
  };
  const runs = await runCommands(request, log, { PATH: process.env['PATH'], RUNNER_TEMP: folder, ...env }, QUICK);
  return { runs, lines: log.lines };
}

const here = (script: string): CommandRequest => command(script, { workingDirectory: folder });

describe('runCommands', () => {
  it('exports, then prunes, each in a section that ends with the time it took', async () => {
    const { runs, lines } = await run({
      export: here('echo d > dense'),
      prune: here('# prunes\ncat dense; echo p > pruned'),
    });
    expect(lines).toEqual([
      '[export: echo d > dense]',
      expect.stringMatching(/^\[end\] export took 0\.\d s$/),
      '[prune: # prunes ...]',
      'd',
      expect.stringMatching(/^\[end\] prune took 0\.\d s$/),
    ]);
    expect(runs).toEqual([
      { name: 'export', seconds: expect.any(Number) },
      { name: 'prune', seconds: expect.any(Number) },
    ]);
  });

  it.each([
    [{ export: 'true' }, 'dense', 'export'],
    [{ export: 'echo > dense', denseFolded: 'folded' }, 'folded', 'export'],
    [{ prune: 'true' }, 'pruned', 'prune'],
    [{ prune: 'echo > pruned', reported: 'retained.json' }, 'retained.json', 'prune'],
  ])('expects of %j the file %s', async (asked, file, name) => {
    const { export: exporting, prune, ...files } = { export: undefined, prune: undefined, ...asked };
    const commands = {
      ...(exporting === undefined ? {} : { export: here(exporting) }),
      ...(prune === undefined ? {} : { prune: here(prune) }),
    };
    await expect(run({ ...commands, ...files })).rejects.toThrow(
      `${join(folder, file)} is missing: the ${name} command did not write it`,
    );
    writeFileSync(join(folder, file), 'of yesterday');
    await expect(run({ ...commands, ...files })).rejects.toThrow('is stale');
    expect(readFileSync(join(folder, file), 'utf8')).toBe('of yesterday');
  });

  it('takes the dense model as it lies where only a prune command is there', async () => {
    writeFileSync(join(folder, 'dense'), 'of yesterday');
    expect((await run({ prune: here('cp dense pruned') })).runs).toHaveLength(1);
  });

  it.each([
    ['changes', 'echo x >> dense', 'is another model now'],
    ['exchanges', 'echo d2 > new; touch -r dense new; mv new dense', 'is another model now'],
    ['removes', 'rm dense', 'is gone'],
  ])('refuses a prune command that %s the dense model', async (_, script, problem) => {
    writeFileSync(join(folder, 'dense'), 'd1\n');
    await expect(run({ prune: here(`${script}; echo p > pruned`) })).rejects.toThrow(
      `input dense: ${join(folder, 'dense')} ${problem}: the prune command changed it`,
    );
  });

  it('lets a prune command write the dense model anew as it was, and give it another mode', async () => {
    writeFileSync(join(folder, 'dense'), 'd1\n');
    const { runs } = await run({ prune: here('cp dense d2; mv d2 dense; chmod 600 dense; echo p > pruned') });
    expect(runs).toMatchObject([{ name: 'prune' }]);
  });

  it('does not prune when the export failed, and says how it ended and what it said last', async () => {
    const failed = run({
      export: here('echo ::error::hello; echo "no such checkpoint" >&2; exit 3'),
      prune: here('exit 0'),
    });
    await expect(failed).rejects.toThrow(/^prunegate\.yml:7: prune: the command exited with status 3 after 0\.\d s$/);
    await expect(failed).rejects.toMatchObject({
      details: { output: expect.arrayContaining([': :error::hello', 'no such checkpoint']) },
    });
  });

  it('says nothing of the command itself in an error, which may hold a secret and go into a comment', async () => {
    await expect(run({ export: here('PASSWORD=hunter2 false') })).rejects.not.toThrow(/hunter2/);
  });

  it('asks for the label where a container may outlive its command', async () => {
    const slow = (run: string) => command(run, { workingDirectory: folder, timeoutMinutes: 0.002 });
    await expect(run({ export: slow('sleep 9 # docker run x') })).rejects.toThrow(
      /its limit is 0\.1 s; its container may still run: give docker run --label "prunegate\.command=/,
    );
    await expect(
      run({ export: slow('sleep 9 # docker run --label "prunegate.command=$PRUNEGATE_COMMAND_ID" x') }),
    ).rejects.toThrow(/its limit is 0\.1 s$/);
  });

  it('gives a command its own variables and folder, and names the tokens that it does not see', async () => {
    const { lines } = await run(
      {
        export: command('pwd; echo "$DEPTH $CUDA_VISIBLE_DEVICES [$GITHUB_TOKEN]"; echo > dense', {
          workingDirectory: folder,
          env: { DEPTH: '3' },
        }),
      },
      { GITHUB_TOKEN: 'ghs_x', CUDA_VISIBLE_DEVICES: '1' },
    );
    expect(lines.slice(1, 4)).toEqual(['prunegate: it does not see GITHUB_TOKEN (see pass-env)', folder, '3 1 []']);
  });

  it.each([
    [{ workingDirectory: '/no/such/folder' }, 'working-directory must be an existing folder (found "/no/such/folder")'],
    [{ env: { 'A=B': '' } }, 'env must be variables with a name'],
    [{ env: { A: 'x\0y' } }, 'env must be variables with a name'],
    [{ run: 'echo \0' }, 'must not hold a NUL character'],
  ])('refuses %j before it runs', async (settings, message) => {
    await expect(run({ export: command('true', settings) })).rejects.toThrow(message);
  });
});
