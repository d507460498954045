import { Worker } from 'node:worker_threads';

const POLL_MS = 500;

/**
 * Ends this process once its parent is gone. onnxruntime computes on the main thread, so that neither a closed pipe nor a signal's
 * listener would be heard before it is done: a thread of its own looks.
 */
export function endWithParent(): void {
  // Asked here: when the thread has started, the parent may be gone already.
  const watch = `setInterval(() => process.ppid === ${process.ppid} || process.kill(process.pid, 'SIGKILL'), ${POLL_MS});`;
  new Worker(watch, { eval: true }).unref();
}
