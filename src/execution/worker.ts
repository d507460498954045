import { endWithParent } from './orphan.ts';
import { runProbe } from './probe.ts';
import type { Job, Message, Outcome, Step } from './protocol.ts';
import { runCompare } from './run-compare.ts';
import { runTime } from './run-time.ts';
import { loadRuntime } from './session.ts';

/**
 * The program of the child process: does one job after another until its parent hangs up. It reads no settings and knows
 * neither networks nor reports.
 */
async function work(job: Job): Promise<Outcome> {
  let current: Step = { step: 'runtime', side: null };
  const begin = async (step: Step): Promise<void> => {
    current = step;
    await send({ kind: 'step', ...step });
  };
  try {
    await begin(current);
    const runtime = loadRuntime(job, begin);
    switch (job.kind) {
      case 'compare':
        return await runCompare(runtime, job, progress);
      case 'time':
        return await runTime(runtime, job);
      case 'probe':
        return await runProbe(runtime);
    }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // V8 throws RangeErrors where an array does not fit; onnxruntime throws plain errors.
    return { kind: 'failed', ...current, isAllocation: error instanceof RangeError, message };
  }
}

function progress(line: string): void {
  void send({ kind: 'progress', line });
}

/** Resolves once the message is on its way: what is only queued goes with a crash. */
function send(message: Message): Promise<void> {
  return new Promise((resolve) => process.send?.(message, () => resolve()));
}

// onnxruntime-node 1.30's native part finds no bytes in a Float16Array (Node 24): where there is none, halves are fed as their bits.
Reflect.deleteProperty(globalThis, 'Float16Array');
endWithParent();
process.on('message', (job: Job) => {
  void work(job).then((result) => {
    // maxRSS is in kilobytes on every system that Node runs on.
    const peakBytes = process.resourceUsage().maxRSS * 1024;
    void send({ kind: 'result', result: { ...result, peakBytes } });
  });
});
