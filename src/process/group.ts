import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** A command's processes: its group, and those that left it but still carry its mark. */
export interface ProcessGroup {
  readonly leader: number;
  /** `NAME=value` in the environment of whatever the command starts. */
  readonly mark: string;
}

/** How long each signal is given, in milliseconds. */
export interface Patience {
  readonly interrupt: number;
  readonly terminate: number;
  readonly kill: number;
}

/** Together under the 7.5 seconds that the runner gives a cancelled step before it sends the next signal (ProcessInvoker.cs). */
export const PATIENCE: Patience = { interrupt: 4000, terminate: 1500, kill: 1000 };
const POLL_MS = 50;

/**
 * Ends every process of a group: SIGINT, then SIGTERM, then SIGKILL.
 * @param hurry when it is aborted, SIGKILL follows at once.
 */
export async function endGroup(group: ProcessGroup, patience: Patience, hurry?: AbortSignal): Promise<void> {
  if (process.platform === 'win32') {
    spawnSync('taskkill', ['/pid', String(group.leader), '/t', '/f'], { windowsHide: true });
    return;
  }
  if (hurry?.aborted !== true && (await endsBy('SIGINT', group, patience.interrupt, hurry))) return;
  if (hurry?.aborted !== true && (await endsBy('SIGTERM', group, patience.terminate, hurry))) return;
  await endsBy('SIGKILL', group, patience.kill);
}

/** Ends a group at once, where there is no time left to wait: as this process exits. */
export function killGroup({ leader }: ProcessGroup): void {
  if (process.platform === 'win32') spawnSync('taskkill', ['/pid', String(leader), '/t', '/f'], { windowsHide: true });
  else send('SIGKILL', -leader);
}

/** Whether a process of the group, or one that left it and carries its mark, still runs. */
function isAlive(group: ProcessGroup): boolean {
  if (process.platform === 'win32') return false;
  if (process.platform !== 'linux') return send(0, -group.leader);
  const isOwn = send(0, -group.leader) && processes().some((each) => each.group === group.leader);
  return isOwn || strays(group).length > 0;
}

/** Whether the group ends on its own within this time: what has closed its output may still be exiting. */
export async function isGoneWithin(group: ProcessGroup, ms: number): Promise<boolean> {
  const until = performance.now() + ms;
  while (isAlive(group)) {
    if (performance.now() >= until) return false;
    await delay(POLL_MS);
  }
  return true;
}

async function endsBy(signal: NodeJS.Signals, group: ProcessGroup, ms: number, hurry?: AbortSignal): Promise<boolean> {
  send(signal, -group.leader);
  for (const pid of strays(group)) send(signal, pid);
  const until = performance.now() + ms;
  while (isAlive(group)) {
    if (performance.now() >= until || hurry?.aborted === true) return false;
    await delay(POLL_MS);
  }
  return true;
}

function send(signal: NodeJS.Signals | 0, pid: number): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    // EPERM: there is a process, of another user (sudo).
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

interface Running {
  readonly pid: number;
  readonly group: number;
}

/** The processes of a Linux machine but zombies, which a container without an init process never gets rid of. */
function processes(): readonly Running[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      // pid (name) state ppid pgrp ...; the name may hold spaces and parentheses (proc_pid_stat(5)).
      const stat = contentsOf(`/proc/${name}/stat`);
      const [state = '', , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return stat === '' || /[ZX]/.test(state) ? [] : [{ pid: Number(name), group: Number(group) }];
    });
}

/** Workers that torchrun and the like start in sessions of their own (start_new_session). Other systems than Linux do not tell. */
function strays({ leader, mark }: ProcessGroup): readonly number[] {
  if (process.platform !== 'linux') return [];
  return processes()
    .filter(({ pid, group }) => group !== leader && pid !== process.pid)
    .filter(({ pid }) => contentsOf(`/proc/${pid}/environ`).split('\0').includes(mark))
    .map(({ pid }) => pid);
}

function contentsOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
