import { runProbe } from './probe.ts';
import type { Job, Message, Result } from './protocol.ts';
import { runCompare } from './run-compare.ts';
import { runTime } from './run-time.ts';
import { loadRuntime, StepError } from './session.ts';

/**
 * The program of the child process: does one job after another until its parent hangs up. It reads no settings and knows
 * neither networks nor reports.
 */
async function work(job: Job): Promise<Omit<Result, 'peakBytes'>> {
  try {
    const runtime = loadRuntime(job);
    switch (job.kind) {
      case 'compare':
        return await runCompare(runtime, job, progress);
      case 'time':
        return await runTime(runtime, job);
      case 'probe':
        return await runProbe(runtime);
    }
  } catch (error) {
    // An onnxruntime-node of another version may lack what is used here.
    return error instanceof StepError ? error.failure : new StepError('runtime', null, error).failure;
  }
}

function progress(line: string): void {
  send({ kind: 'progress', line });
}

function send(message: Message): void {
  process.send?.(message);
}

process.on('message', (job: Job) => {
  void work(job).then((result) => {
    // maxRSS is in kilobytes on every system that Node runs on.
    const peakBytes = process.resourceUsage().maxRSS * 1024;
    send({ kind: 'result', result: { ...result, peakBytes } as Result });
  });
});
