import { Worker } from 'node:worker_threads';

const POLL_MS = 500;

/**
 * Ends this process once its parent is gone. onnxruntime computes on the main thread, so that neither a closed pipe nor a signal's
 * listener would be heard before it is done: a thread of its own looks.
 */
export function endWithParent(): void {
  const watch = `
    const parent = process.ppid;
    setInterval(() => process.ppid === parent || process.kill(process.pid, 'SIGKILL'), ${POLL_MS});
  `;
  new Worker(watch, { eval: true }).unref();
}
