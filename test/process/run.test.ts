import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { plainLog } from '../../src/process/log.ts';
import { describeEnding, runCommand, TIMES, type Times } from '../../src/process/run.ts';
import { command, NEVER, QUICK, recorded } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'prunegate-run-'));
const ENV = { PATH: process.env['PATH'] ?? '', RUNNER_TEMP: folder };

async function run(script: string, settings: Parameters<typeof command>[1] = {}, times: Partial<Times> = {}) {
  const log = recorded();
  const result = await runCommand(command(script, settings), ENV, log, NEVER, { ...QUICK, ...times });
  return { ...result, lines: log.lines, told: describeEnding(result.ending, 12_345) };
}

/**
 * Runs a command that its time limit ends, and again with more time until it had enough to begin: how long that takes
 * hangs on what else the machine does.
 */
async function outlasting(script: string, times: Partial<Times> = {}) {
  for (let timeoutMinutes = 0.005; ; timeoutMinutes *= 3) {
    const result = await run(script, { timeoutMinutes }, times);
    const begun = result.lines.indexOf('ready');
    if (begun >= 0 && begun < result.lines.indexOf(TIME_IS_UP)) return { ...result, timeoutMinutes };
  }
}

const TIME_IS_UP = 'prunegate: its time is up: ending it';

/** How long a test waits for what takes milliseconds on a machine that does nothing else. */
const WAIT = { timeout: 30_000 };

/** A run's cancellation, and what asks for it. */
function cancelling() {
  let request: (signal: NodeJS.Signals) => void = () => {};
  const requested = new Promise<NodeJS.Signals>((resolve) => {
    request = resolve;
  });
  return { requested, request: (signal: NodeJS.Signals) => request(signal) };
}

/** Whether a process of this id runs, and is no zombie. */
function runs(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

const pidIn = (name: string): number => Number(readFileSync(join(folder, name), 'utf8'));

it('leaves a cancelled command less time than the runner leaves the step before its next signal', () => {
  const { interrupt, terminate, kill } = TIMES.patience;
  expect(interrupt + terminate + kill).toBeLessThan(7500);
});

describe('runCommand', () => {
  it('shows both streams line by line, and exits with the status of the command', async () => {
    const { ending, lines, told } = await run('echo out; echo err >&2; printf unfinished; exit 3');
    expect(ending).toEqual({ kind: 'exited', status: 3 });
    expect([...lines].sort()).toEqual(['err', 'out', 'unfinished']);
    expect(told).toBe('exited with status 3 after 12 s');
  });

  it('shows output while the command runs', async () => {
    const log = recorded();
    const running = runCommand(command('echo $$; exec sleep 600'), ENV, log, NEVER, QUICK);
    await vi.waitFor(() => expect(log.lines).toHaveLength(1), WAIT);
    process.kill(Number(log.lines[0]), 'SIGKILL');
    expect((await running).ending).toEqual({ kind: 'killed', signal: 'SIGKILL' });
  });

  it('stops at the first program that fails, in a pipeline too, as a step of a workflow does', async () => {
    expect((await run('false; echo reached')).lines).toEqual([]);
    expect((await run('false | cat; echo reached')).lines).toEqual([]);
    expect((await run('false | cat; echo reached', { shell: 'sh' })).lines).toEqual(['reached']);
  });

  it('runs sh where there is no bash', async () => {
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'sh'), '#!/bin/sh\necho "sh $1"; exec /bin/sh "$@"\n', { mode: 0o755 });
    const log = recorded();
    await runCommand(command('echo "$0"'), { ...ENV, PATH: bin }, log, NEVER, QUICK);
    expect(log.lines[0]).toBe('sh -e');
    expect(log.lines[1]).toMatch(/command\.sh$/);
  });

  it.each([
    ['python3 {0}', 'import sys; print("py", sys.version_info.major)', 'py 3'],
    ['cat {0}', 'as it is', 'as it is'],
  ])('takes %s for a shell', async (shell, script, line) => {
    expect((await run(script, { shell })).lines).toEqual([line]);
  });

  it('refuses a shell that it does not know, and says where it stands', async () => {
    await expect(run('true', { shell: 'fish' })).rejects.toThrow(
      'prunegate.yml:7: prune: shell must be one of bash, sh, pwsh, python, or a command line in which {0} is the script (found "fish")',
    );
  });

  it('says what could not be started, what was not found and what a status means', async () => {
    expect((await run('true', { shell: 'no-such-shell {0}' })).told).toBe(
      'could not be started: there is no program no-such-shell on the PATH',
    );
    expect((await run('no-such-program')).told).toContain('status 127 (a program was not found)');
    expect((await run(folder)).told).toContain('status 126 (a program may not be executed)');
    expect((await run('sh -c "kill -KILL \\$\\$"')).told).toContain('status 137 (killed by SIGKILL: out of memory?)');
    expect((await run('kill -SEGV $$')).told).toContain('was killed by SIGSEGV');
    const huge = await runCommand(command('true'), { ...ENV, HUGE: 'x'.repeat(3_000_000) }, recorded(), NEVER, QUICK);
    expect(huge.ending).toEqual({ kind: 'not-started', problem: 'bash: E2BIG' });
  });

  it('removes its script, whose folder is in RUNNER_TEMP', async () => {
    const { lines } = await run('echo "$0"');
    expect(lines[0]).toContain(`${folder}/prunegate-`);
    expect(existsSync(lines[0]!)).toBe(false);
    expect(readdirSync(folder).filter((name) => name.startsWith('prunegate-'))).toEqual([]);
  });

  it('gives the command no standard input to wait for', async () => {
    expect((await run('cat; echo done')).lines).toEqual(['done']);
  });

  it('keeps the last ten lines, without colours', async () => {
    const { lastLines } = await run(`for i in $(seq 1 12); do printf '\\033[31m%s\\033[0m\\n' "$i"; done`);
    expect(lastLines).toEqual(['3', '4', '5', '6', '7', '8', '9', '10', '11', '12']);
  });

  it('says that a silent command still runs, and nothing of one that speaks', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const log = recorded();
    const silences: Readonly<Record<string, number>> = { 1: 150, 2: 250, 3: 150 };
    const line = (text: string): void => {
      log.line(text);
      if (silences[text] === undefined) return;
      vi.advanceTimersByTime(silences[text]);
      writeFileSync(join(folder, `heard-${text}`), '');
    };
    const script = `for i in 1 2 3; do echo $i; until [ -e '${folder}'/heard-$i ]; do sleep 0.02; done; done`;
    try {
      await runCommand(command(script), ENV, { ...log, line }, NEVER, { ...QUICK, silence: 200 });
    } finally {
      vi.useRealTimers();
    }
    const still = expect.stringMatching(/^prunegate: still running after [\d.]+ s, silent for 0\.2 s$/);
    expect(log.lines).toEqual(['1', '2', still, '3']);
  });

  it('ends all processes when the time is up, stubborn ones too, the sooner the milder', async () => {
    const script = (grandchild: string) => `
      trap 'echo interrupted; exit 5' INT; (${grandchild}) & echo $! > '${folder}/grandchild'; wait`;
    const mild = await outlasting(script('echo ready; exec sleep 600'), {
      patience: { ...QUICK.patience, interrupt: 30_000 },
    });
    expect(mild.ending).toEqual({ kind: 'timed-out', minutes: mild.timeoutMinutes });
    expect(mild.lines).toEqual(['ready', TIME_IS_UP, 'interrupted']);
    expect(runs(pidIn('grandchild'))).toBe(false);

    const stubborn = await outlasting(script("trap '' INT TERM; echo ready; sleep 600; sleep 600"));
    const { interrupt, terminate } = QUICK.patience;
    expect(stubborn.ending).toEqual({ kind: 'timed-out', minutes: stubborn.timeoutMinutes });
    expect(stubborn.elapsedMs).toBeGreaterThan(stubborn.timeoutMinutes * 60_000 + interrupt + terminate);
    expect(runs(pidIn('grandchild'))).toBe(false);
  });

  it('says after how long a command was ended, and what its limit was', () => {
    expect(describeEnding({ kind: 'timed-out', minutes: 0.005 }, 12_345)).toBe(
      'was ended after 12 s: its limit is 0.3 s',
    );
  });

  it.runIf(process.platform === 'linux')('ends workers that left the group for a session of their own', async () => {
    const worker = `require('child_process').spawn('sleep', ['600'], {detached: true, stdio: 'inherit'}).pid`;
    const script = `node -e "require('fs').writeFileSync('${folder}/worker', String(${worker})); console.log('ready'); setTimeout(() => {}, 600000)"`;
    await outlasting(script);
    expect(runs(pidIn('worker'))).toBe(false);
  });

  it('ends what the command left running when it exited, and does not wait for it', async () => {
    const silent = await run(`sleep 600 >/dev/null 2>&1 & echo $! > '${folder}/left'; echo done`);
    expect(silent.ending).toEqual({ kind: 'exited', status: 0 });
    expect(silent.lines).toEqual(['done', 'prunegate: ending the processes that it left running']);
    expect(runs(pidIn('left'))).toBe(false);
    await run(`sleep 600 & echo $! > '${folder}/left'`);
    expect(runs(pidIn('left'))).toBe(false);
  });

  it.runIf(process.platform === 'linux')(
    'ends marked processes of a command that exited, in whatever session',
    async () => {
      const worker = `require('child_process').spawn('sleep', ['600'], {detached: true, stdio: 'ignore'})`;
      const script = `node -e "const w = ${worker}; w.unref(); require('fs').writeFileSync('${folder}/worker', String(w.pid))"`;
      expect((await run(script)).ending).toEqual({ kind: 'exited', status: 0 });
      expect(runs(pidIn('worker'))).toBe(false);
    },
  );

  it('lets a reader of the output finish that outlives the shell', async () => {
    expect((await run(`echo kept > >(sleep 0.1; cat)`, {}, { drain: 30_000 })).lines).toEqual(['kept']);
  });

  it('ends the command when the run is cancelled, and at once when it is cancelled again', async () => {
    const again = new AbortController();
    const { requested, request } = cancelling();
    const log = recorded();
    const script = `trap 'echo no' INT TERM; echo ready; while true; do sleep 0.05 || true; done`;
    const running = runCommand(
      command(script),
      ENV,
      log,
      { requested, again: again.signal },
      {
        ...QUICK,
        patience: { interrupt: 600_000, terminate: 600_000, kill: 30_000 },
      },
    );
    await vi.waitFor(() => expect(log.lines).toContain('ready'), WAIT);
    request('SIGINT');
    await vi.waitFor(() => expect(log.lines).toContain('no'), WAIT);
    again.abort();
    expect((await running).ending).toEqual({ kind: 'cancelled', signal: 'SIGINT' });
  });

  it('removes the containers that carry its label, and no others', async () => {
    const bin = join(folder, 'docker-bin');
    mkdirSync(bin);
    const docker = `#!/bin/sh\necho "$@" >> '${folder}/docker.log'\n[ "$1" = ps ] && echo 0123456789ab\nexit 0\n`;
    writeFileSync(join(bin, 'docker'), docker, { mode: 0o755 });
    const log = recorded();
    const env = { ...ENV, PATH: `${bin}:${ENV.PATH}` };
    const { requested, request } = cancelling();
    const cancel = { ...NEVER, requested };
    const running = runCommand(command(`echo "$PRUNEGATE_COMMAND_ID"; exec sleep 600`), env, log, cancel, QUICK);
    await vi.waitFor(() => expect(log.lines).toHaveLength(1), WAIT);
    request('SIGTERM');
    await running;
    expect(readFileSync(join(folder, 'docker.log'), 'utf8').trim().split('\n')).toEqual([
      `ps --all --quiet --filter label=prunegate.command=${log.lines[0]}`,
      'rm --force 0123456789ab',
    ]);
    expect(log.lines).toContain('prunegate: removed its containers: 1');
  });

  it('holds a torrent of output in the pipe, not in memory, while nobody reads', async () => {
    const out = new PassThrough({ highWaterMark: 1000 });
    const script = `head -c 20000000 /dev/zero | tr '\\0' x | fold -w 100; echo; echo end`;
    const running = runCommand(
      command(script),
      ENV,
      plainLog(() => out),
      NEVER,
      QUICK,
    );
    await vi.waitFor(() => expect(out.writableLength).toBeGreaterThan(0), WAIT);
    await delay(300);
    expect(out.writableLength + out.readableLength).toBeLessThan(500_000);
    let last = '';
    out.on('data', (bytes: Buffer) => {
      last = `${last}${bytes}`.slice(-10);
    });
    await running;
    expect(last).toContain('end');
  });
});
